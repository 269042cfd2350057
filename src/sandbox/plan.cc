// See plan.h.
#include "sandbox/plan.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace mk8s::sandbox {
namespace {

constexpr std::size_t kPathDepthMax = 32;
constexpr std::size_t kPathBytesMax = 1024;

void Put(std::string& out, std::uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
void Put(std::string& out, std::string_view text) {
  Put(out, static_cast<std::uint64_t>(text.size()));
  out.append(text);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t Number() {
    std::uint64_t number = 0;
    if (rest_.size() < sizeof number) {
      good_ = false;
      return 0;
    }
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_.remove_prefix(sizeof number);
    return number;
  }
  std::string Text() {
    const std::uint64_t size = Number();
    if (size > rest_.size()) {
      good_ = false;
      return {};
    }
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  bool good() const { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

}  // namespace

std::string_view Name(Level level) {
  switch (level) {
    case Level::kProcess:
      return "process";
    case Level::kLandlock:
      return "landlock";
    case Level::kUser:
      return "user";
    case Level::kFull:
      return "full";
  }
  return "process";
}

std::string Serialize(const Plan& plan) {
  std::string out;
  Put(out, static_cast<std::uint64_t>(plan.level));
  for (const std::uint64_t number : {std::uint64_t{plan.probe}, std::uint64_t{plan.terminal},
                                     std::uint64_t{plan.slot}, std::uint64_t{plan.port}}) {
    Put(out, number);
  }
  Put(out, static_cast<std::uint64_t>(plan.parent));
  Put(out, plan.program);
  Put(out, plan.folder);
  Put(out, plan.kubeconfig);
  Put(out, std::uint64_t{plan.arguments.size()});
  for (const std::string& argument : plan.arguments) Put(out, argument);
  Put(out, std::uint64_t{plan.files.size()});
  for (const PlannedFile& file : plan.files) {
    Put(out, file.path);
    Put(out, file.content);
  }
  return out;
}

Result<Plan> ParsePlan(std::string_view bytes) {
  Reader reader(bytes);
  Plan plan;
  plan.level = static_cast<Level>(reader.Number());
  plan.probe = reader.Number() != 0;
  plan.terminal = reader.Number() != 0;
  plan.slot = static_cast<std::uint32_t>(reader.Number());
  plan.port = static_cast<std::uint16_t>(reader.Number());
  plan.parent = static_cast<std::int32_t>(reader.Number());
  plan.program = reader.Text();
  plan.folder = reader.Text();
  plan.kubeconfig = reader.Text();
  for (std::uint64_t left = reader.Number(); left > 0 && reader.good(); --left) {
    plan.arguments.push_back(reader.Text());
  }
  for (std::uint64_t left = reader.Number(); left > 0 && reader.good(); --left) {
    std::string path = reader.Text();
    plan.files.push_back({std::move(path), reader.Text()});
  }
  if (!reader.good()) return MakeError(ErrorCode::kInternal, "the sandbox's plan is cut off");
  return plan;
}

bool IsFilePath(std::string_view path) {
  if (path.size() > kPathBytesMax || path.find('\0') != path.npos) return false;
  const auto parts = Split(path, '/');
  return parts.size() <= kPathDepthMax &&
         std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
           return !part.empty() && part != "." && part != ".." && part.size() <= 255;
         });
}

}  // namespace mk8s::sandbox

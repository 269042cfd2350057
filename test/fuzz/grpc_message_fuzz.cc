// Any bytes as a gRPC request: its head's fields and its body.
// Input: fields as "name\nvalue\n" up to an empty name, then the body, cut by its first byte.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grpc/server.h"
#include "grpc/wire.h"

namespace mk8s::grpc {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

class NoTimer : public Timer {
 public:
  std::shared_ptr<void> After(std::chrono::milliseconds delay, std::function<void()>) override {
    Require(delay.count() >= 0);
    return nullptr;
  }
};

/// Checks that exactly one answer is given.
class Answer : public http::ResponseStream {
 public:
  void SendHead(const http::ResponseHead& head, bool end) override {
    Require(!head_sent_);
    head_sent_ = true;
    ended = end;
    if (head.status == 200 && end) Require(StatusFromFields(head.fields).has_value());
  }
  void SendContinue() override {}
  void SendBody(std::string_view) override { Require(head_sent_ && !ended); }
  void SendEnd(const http::Fields& trailers) override {
    Require(head_sent_ && !ended && StatusFromFields(trailers).has_value());
    ended = true;
  }
  void Reset(http::ResetReason) override { Require(ended); }
  void Consume(std::size_t bytes) override { consumed += bytes; }

  bool ended = false;
  std::size_t consumed = 0;

 private:
  bool head_sent_ = false;
};

std::string_view TakeLine(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

void Serve(std::string_view rest) {
  static const Server* const server = [] {
    auto* made = new Server;
    made->SetMessageBytesMax(1000);
    made->AddUnary("/s/Unary", [](CallContext&, std::string request, Reply reply) {
      Require(request.size() <= 1000);
      reply(std::move(request));
    });
    return made;
  }();
  NoTimer timer;
  ConnectionHandler handler(*server, timer, {});
  http::RequestHead head{.method = "POST", .target = "/s/Unary"};
  head.fields.Add("content-type", kContentType);
  for (std::string_view name = TakeLine(rest); !name.empty(); name = TakeLine(rest)) {
    head.fields.Set(name, TakeLine(rest));
  }
  const auto answer = std::make_shared<Answer>();
  const auto events = handler.OnRequest(head, false, answer);
  const std::size_t piece_bytes = rest.empty() ? 1 : static_cast<std::uint8_t>(rest[0]) + 1u;
  if (!rest.empty()) rest.remove_prefix(1);
  std::size_t given = 0;
  while (!rest.empty() && !answer->ended) {
    const std::string piece(rest.substr(0, piece_bytes));
    rest.remove_prefix(piece.size());
    given += piece.size();
    events->OnBody(piece);
  }
  if (!answer->ended) events->OnEnd({});
  Require(answer->ended && answer->consumed == given);
}

}  // namespace
}  // namespace mk8s::grpc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  mk8s::grpc::Serve(input);
  mk8s::grpc::Require(mk8s::grpc::PercentDecode(mk8s::grpc::PercentEncode(input)) == input);
  (void)mk8s::grpc::StatusFromFields({{"grpc-status", std::string(input)}});
  return 0;
}

// The ready file appears whole, or its error names it.
#include "base/process.h"

#include <filesystem>
#include <fstream>

namespace mk8s {
namespace {

TEST(WriteReadyFile, AppearsWhole) {
  const std::string path = testing::TempDir() + "ready" + std::to_string(getpid());
  ASSERT_TRUE(WriteReadyFile(path, "{\"a\":1}\n"));
  ASSERT_TRUE(WriteReadyFile(path, "{}\n")) << "in place of the one before";
  std::string text;
  std::getline(std::ifstream(path), text, '\0');
  EXPECT_EQ(text, "{}\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  std::filesystem::remove(path);
}

TEST(WriteReadyFile, NamesTheFileItCannotWrite) {
  const auto written = WriteReadyFile("/no/such/folder/ready", "{}");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(written.error().message, testing::HasSubstr("/no/such/folder/ready"));
  EXPECT_TRUE(WriteReadyFile("", "{}")) << "none was asked for";
}

}  // namespace
}  // namespace mk8s

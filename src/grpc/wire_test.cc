// Frames, timeouts, statuses: tables of what may come in and must go out.
#include "grpc/wire.h"

#include <gtest/gtest.h>

#include "grpc/test_streams.h"

namespace mk8s::grpc {
namespace {

using std::chrono::milliseconds;
using testing::Framed;

TEST(MessageReader, CutsMessagesHoweverTheyArrive) {
  const std::string body = Framed("") + Framed("one") + Framed(std::string(300, 'x')) + Framed("");
  for (std::size_t split = 1; split <= body.size(); ++split) {
    MessageReader reader(300);
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < body.size(); at += split) {
      ASSERT_TRUE(reader.Push(std::string_view(body).substr(at, split), [&](std::string message) {
        messages.push_back(std::move(message));
      }));
    }
    EXPECT_EQ(messages, (std::vector<std::string>{"", "one", std::string(300, 'x'), ""})) << split;
    EXPECT_FALSE(reader.InMessage());
  }
}

TEST(MessageReader, KnowsWhenAMessageIsCutOff) {
  const std::string body = Framed("message");
  for (std::size_t size = 1; size < body.size(); ++size) {
    MessageReader reader(100);
    ASSERT_TRUE(reader.Push(std::string_view(body).substr(0, size), [](std::string) { FAIL(); }));
    EXPECT_TRUE(reader.InMessage()) << size;
  }
}

TEST(MessageReader, RefusesWhatItMustNotTake) {
  const std::tuple<std::string, ErrorCode> cases[] = {
      {Framed("12345678901"), ErrorCode::kTooLarge},
      {std::string("\0\xff\xff\xff\xff", 5), ErrorCode::kTooLarge},
      {std::string("\1\0\0\0\1x", 6), ErrorCode::kUnimplemented},
      {std::string("\2\0\0\0\1x", 6), ErrorCode::kInternal},
  };
  for (const auto& [body, code] : cases) {
    MessageReader reader(10);
    const auto result = reader.Push(body, [](std::string) { FAIL(); });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, code);
  }
}

TEST(Timeout, IsParsedInEveryUnit) {
  const std::tuple<const char*, std::int64_t> cases[] = {
      {"1H", 3'600'000},
      {"2M", 120'000},
      {"3S", 3'000},
      {"4m", 4},
      {"5001u", 6},
      {"1n", 1},
      {"0S", 0},
      {"99999999m", 99'999'999},
      {"99999999H", 30LL * 24 * 3'600'000},
  };
  for (const auto& [text, expected] : cases) {
    const auto timeout = ParseTimeout(text);
    ASSERT_TRUE(timeout) << text;
    EXPECT_EQ(timeout->count(), expected) << text;
  }
  for (const char* text : {"", "1", "m", "1x", "-1S", "+1S", "1.5S", "123456789S", " 1S", "1S "}) {
    EXPECT_FALSE(ParseTimeout(text)) << text;
  }
}

TEST(Timeout, IsFormattedInEightDigits) {
  EXPECT_EQ(FormatTimeout(milliseconds(1500)), "1500m");
  EXPECT_EQ(FormatTimeout(milliseconds(-1)), "0m");
  EXPECT_EQ(FormatTimeout(milliseconds(100'000'001)), "100001S");
}

TEST(Percent, EncodesAndDecodes) {
  const std::tuple<std::string, std::string> cases[] = {
      {"plain text~", "plain text~"}, {"100%", "100%25"}, {"a\nb", "a%0Ab"}, {"é", "%C3%A9"}};
  for (const auto& [text, encoded] : cases) {
    EXPECT_EQ(PercentEncode(text), encoded);
    EXPECT_EQ(PercentDecode(encoded), text);
  }
  EXPECT_EQ(PercentDecode("%c3%A9 %zz %4 %"), "é %zz %4 %");
}

TEST(Status, GoesThroughFieldsAndBack) {
  for (const ErrorCode code : kAllErrorCodes) {
    const auto back = StatusFromFields(StatusFields(MakeError(code, "100% é")));
    ASSERT_TRUE(back);
    ASSERT_FALSE(*back);
    EXPECT_EQ(back->error().message, "100% é");
    EXPECT_EQ(StatusFields(back->error()).Get("grpc-status"),
              StatusFields(MakeError(code, "")).Get("grpc-status"));
  }
  EXPECT_TRUE(StatusFromFields(StatusFields({})).value());
  EXPECT_FALSE(StatusFromFields({}).has_value());
  for (const char* text : {"x", "", "-1", "999", "2"}) {
    const auto status = StatusFromFields({{"grpc-status", text}});
    ASSERT_TRUE(status) << text;
    ASSERT_FALSE(*status) << text;
    EXPECT_EQ(status->error().code, ErrorCode::kInternal) << text;
    EXPECT_NE(status->error().message, "") << text;
  }
}

TEST(ContentType, IsGrpcOrNot) {
  for (const char* type :
       {"application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"}) {
    EXPECT_TRUE(IsGrpcContentType(type)) << type;
  }
  for (const char* type : {"", "application/json", "application/grpc-web", "application/grp"}) {
    EXPECT_FALSE(IsGrpcContentType(type)) << type;
  }
}

}  // namespace
}  // namespace mk8s::grpc

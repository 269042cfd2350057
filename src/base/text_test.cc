// Tables for text.h, encoding.h and clock.h.
#include "base/text.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/ids.h"

namespace mk8s {
namespace {

TEST(Text, GlobMatch) {
  struct Row {
    std::string_view pattern, text;
    bool match;
  };
  const Row rows[] = {
      {"*", "", true},          {"*", "anything", true},  {"dev-*", "dev-eu", true},
      {"dev-*", "prod", false}, {"a?c", "abc", true},     {"a?c", "ac", false},
      {"*-eu", "dev-eu", true}, {"*a*b*", "xaybz", true}, {"*a*b*", "xbya", false},
      {"", "", true},           {"", "a", false},         {"web-[1]", "web-1", false},
      {"a**b", "ab", true},     {"Dev", "dev", false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(GlobMatch(row.pattern, row.text), row.match) << row.pattern << " " << row.text;
  }
}

TEST(Text, Utf8) {
  for (std::string_view good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(IsUtf8(good)) << Printable(good);
  }
  for (std::string_view bad : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                               "\xf5\x80\x80\x80", "\xc3", "\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << Printable(bad);
  }
}

TEST(Text, PrintableHidesWhatCouldMoveTheCursor) {
  EXPECT_EQ(Printable("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "x"),
            "\\xc2\\x9bx");
  EXPECT_EQ(Printable("h\xc3\xa9"), "h\xc3\xa9");
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("abcdef", 3), "abc...");
}

TEST(Encoding, Base64IsStrict) {
  for (std::string_view text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(Base64Decode(Base64Encode(text)).value(), text);
    EXPECT_EQ(Base64UrlDecode(Base64UrlEncode(text)).value(), text);
  }
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64UrlEncode("\xff\xfe"), "__4");
  for (std::string_view bad : {"Zm8", "Zm9=", "Z===", "Zm 8", "Zm8=Zm8="}) {
    EXPECT_FALSE(Base64Decode(bad)) << bad;
  }
  for (std::string_view bad : {"Zm8=", "_+4", "Zm9", "A"}) {
    EXPECT_FALSE(Base64UrlDecode(bad)) << bad;
  }
}

TEST(Clock, TimesRoundTrip) {
  const WallTime time = ParseTime("2026-11-24T10:34:31.123Z").value();
  EXPECT_EQ(FormatTime(time), "2026-11-24T10:34:31.123Z");
  EXPECT_EQ(ParseTime("2026-11-24T12:34:31.123456+02:00").value(), time);
  for (std::string_view bad : {"", "2026-11-24", "2026-13-01T00:00:00Z", "2026-11-24T10:34:31",
                               "2026-11-24T25:00:00Z", "2026-11-24T10:34:31Zx"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

TEST(Clock, Durations) {
  using std::chrono::milliseconds;
  EXPECT_EQ(ParseDuration("24h").value(), std::chrono::hours(24));
  EXPECT_EQ(ParseDuration("1h30m").value(), std::chrono::minutes(90));
  EXPECT_EQ(ParseDuration("250ms").value(), milliseconds(250));
  for (std::string_view bad : {"", "h", "5", "5x", "-5s", "99999999999999999999h", "9999999d"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
  EXPECT_EQ(FormatDuration(std::chrono::seconds(7505)), "2h5m");
  EXPECT_EQ(FormatDuration(std::chrono::seconds(3605)), "1h");
  EXPECT_EQ(FormatDuration(milliseconds(40)), "40ms");
}

TEST(Ids, Shapes) {
  EXPECT_TRUE(IsUuid(NewUuid()));
  EXPECT_NE(NewUuid(), NewUuid());
  const WallTime now = SystemClock().Now();
  EXPECT_LT(NewRequestId(now), NewRequestId(now + std::chrono::milliseconds(1)));
  EXPECT_EQ(NewToken("mk8s_agent_").Reveal().size(), 11u + 43u);
}

}  // namespace
}  // namespace mk8s

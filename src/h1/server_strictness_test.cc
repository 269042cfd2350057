// What the serving end refuses: request smuggling, and all that is out of bounds.  Each row is cut
// at every place.
#include "base/limits.h"
#include "h1/recorder_for_test.h"
#include "h1/session.h"

namespace mk8s::h1 {
namespace {

struct Refused {
  std::string name;
  std::string input;
  int status = 400;
  std::string events = {};  // the handler hears
};

std::string Post(std::string_view framing, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: c\r\n" + std::string(framing) + "\r\n\r\n" + std::string(body);
}

TEST(ServerStrictness, RefusesWhatTwoParsersCouldReadDifferently) {
  const std::string chunked = "Transfer-Encoding: chunked";
  const std::string begun = "POST / at c\nreset protocol_error\n";
  const Refused table[] = {
      {"length and coding", Post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n")},
      {"coding and length", Post("Transfer-Encoding: chunked\r\nContent-Length: 3", "0\r\n\r\n")},
      {"two lengths", Post("Content-Length: 3\r\nContent-Length: 4", "abc")},
      {"two equal lengths", Post("Content-Length: 3\r\nContent-Length: 3", "abc")},
      {"list of lengths", Post("Content-Length: 3, 3", "abc")},
      {"signed length", Post("Content-Length: +3", "abc")},
      {"negative length", Post("Content-Length: -3", "abc")},
      {"hexadecimal length", Post("Content-Length: 0x3", "abc")},
      {"empty length", Post("Content-Length:", "abc")},
      {"huge length", Post("Content-Length: 18446744073709551616", "abc")},
      {"other coding", Post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")},
      {"identity", Post("Transfer-Encoding: identity", "")},
      {"quoted coding", Post("Transfer-Encoding: \"chunked\"", "0\r\n\r\n")},
      {"coding with a vertical tab", Post("Transfer-Encoding: \vchunked", "0\r\n\r\n")},
      {"repeated coding", Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "")},
      {"coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"bare LF", "GET / HTTP/1.1\nHost: c\n\n"},
      {"bare LF in a field", "GET / HTTP/1.1\r\nHost: c\nX: y\r\n\r\n"},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: c\r\n\n"},
      {"bare CR", "GET / HTTP/1.1\r\nHost: c\r\nX: a\rb\r\n\r\n"},
      {"CR CR LF", "GET / HTTP/1.1\r\r\nHost: c\r\n\r\n"},
      {"folded", "GET / HTTP/1.1\r\nHost: c\r\nX: a\r\n b\r\n\r\n"},
      {"folded by a tab", "GET / HTTP/1.1\r\nHost: c\r\nX: a\r\n\tb\r\n\r\n"},
      {"folded first field", "GET / HTTP/1.1\r\n Host: c\r\n\r\n"},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : c\r\n\r\n"},
      {"no colon", "GET / HTTP/1.1\r\nHost: c\r\nX\r\n\r\n"},
      {"no name", "GET / HTTP/1.1\r\nHost: c\r\n: x\r\n\r\n"},
      {"NUL in a value", "GET / HTTP/1.1\r\nHost: c\r\nX: a" + std::string(1, '\0') + "b\r\n\r\n"},
      {"escape in a value", "GET / HTTP/1.1\r\nHost: c\r\nX: a\x1b[0m\r\n\r\n"},
      {"DEL in a value", "GET / HTTP/1.1\r\nHost: c\r\nX: a\x7f\r\n\r\n"},
      {"non-ASCII name", "GET / HTTP/1.1\r\nHost: c\r\nX\xc3\xa9: a\r\n\r\n"},
      {"no Host", "GET / HTTP/1.1\r\n\r\n"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: c\r\nHost: c\r\n\r\n"},
      {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"Host with a path", "GET / HTTP/1.1\r\nHost: c/evil\r\n\r\n"},
      {"Host with a user", "GET / HTTP/1.1\r\nHost: a@c\r\n\r\n"},
      {"absolute form", "GET http://c/ HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"authority form", "CONNECT c:443 HTTP/1.1\r\nHost: c:443\r\n\r\n"},
      {"CONNECT with a path", "CONNECT / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"fragment", "GET /#x HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"non-ASCII target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"control byte in the target", "GET /\x01 HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"bad method", "G@T / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"HTTP/0.9", "GET /\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: c\r\n\r\n"},
      {"empty line first", "\r\nGET / HTTP/1.1\r\nHost: c\r\n\r\n"},
      {"TLS on a plain port", "\x16\x03\x01\x02\n"},
      {"nominated Impersonate-User",
       "GET / HTTP/1.1\r\nHost: c\r\nConnection: close, Impersonate-User\r\n\r\n"},
      {"nominated Authorization",
       "GET / HTTP/1.1\r\nHost: c\r\nConnection: authorization\r\nAuthorization: x\r\n\r\n"},
      {"unknown expectation", "GET / HTTP/1.1\r\nHost: c\r\nExpect: 200-maybe\r\n\r\n"},
      {"upgrade with a body",
       Post("Connection: upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 1", "x")},
      {"target too long", "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: c\r\n\r\n", 414},
      {"target without end", "GET /" + std::string(20'000, 'a'), 414},
      {"fields too large", "GET / HTTP/1.1\r\nHost: c\r\nX: " + std::string(70'000, 'a'), 431},
      {"chunk size", Post(chunked, "x\r\nabc"), 400, begun},
      {"empty chunk size", Post(chunked, "\r\nabc"), 400, begun},
      {"signed chunk size", Post(chunked, "+3\r\nabc\r\n"), 400, begun},
      {"hexadecimal prefix", Post(chunked, "0x3\r\nabc\r\n\r\n"), 400, begun},
      {"chunk size overflows", Post(chunked, "ffffffffffffffff0\r\nabc\r\n"), 400, begun},
      {"space behind the size", Post(chunked, "3 \r\nabc\r\n"), 400, begun},
      {"bare LF behind the size", Post(chunked, "3\nabc\r\n0\r\n\r\n"), 400, begun},
      {"bare LF in an extension", Post(chunked, "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"), 400, begun},
      {"long extension", Post(chunked, "3;a=" + std::string(300, 'b') + "\r\nabc\r\n"), 400, begun},
      {"folded trailer", Post(chunked, "0\r\nX: a\r\n b\r\n\r\n"), 400, begun},
      {"length in a trailer", Post(chunked, "0\r\nContent-Length: 5\r\n\r\n"), 400, begun},
      {"chunk longer than its size", Post(chunked, "2\r\nabc\r\n0\r\n\r\n"), 400,
       "POST / at c\nbody ab\nreset protocol_error\n"},
  };
  for (const Refused& row : table) {
    const auto cuts = row.input.size() < 400
                          ? Cuts(row.input)
                          : std::vector<std::vector<std::string_view>>{{row.input}};
    for (const auto& pieces : cuts) {
      RecordingHandler handler;
      const Outcome outcome = Serve(handler, pieces);
      SCOPED_TRACE(row.name + " cut into " + std::to_string(pieces.size()) + ", first " +
                   std::to_string(pieces[0].size()));
      ASSERT_EQ(outcome.events, row.events);
      ASSERT_EQ(outcome.output.substr(0, 12), "HTTP/1.1 " + std::to_string(row.status));
      ASSERT_NE(outcome.output.find("\r\nConnection: close\r\n"), std::string::npos);
      ASSERT_NE(outcome.output.find("{\"error\":{\"code\":\""), std::string::npos);
      ASSERT_NE(outcome.output.find("\"request_id\":\"ID\"}}\n"), std::string::npos);
      ASSERT_TRUE(outcome.finished);
      ASSERT_TRUE(outcome.failed);
    }
  }
}

TEST(ServerStrictness, BoundsTheNumberOfFields) {
  for (const std::size_t extra : {std::size_t{0}, std::size_t{1}}) {
    std::string input = "GET / HTTP/1.1\r\nHost: c\r\n";
    for (std::size_t i = 1; i < limits::kHeaderFieldsMax + extra; ++i) input += "A: b\r\n";
    RecordingHandler handler;
    const Outcome outcome = Serve(handler, {input + "\r\n"});
    EXPECT_EQ(outcome.output.substr(9, 3), extra == 0 ? "200" : "431");
  }
}

}  // namespace
}  // namespace mk8s::h1

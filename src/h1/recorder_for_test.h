// Test doubles for both ends of an exchange: they write down what they hear, one line an event,
// with neighbouring pieces of a body joined so that the text does not depend on how the bytes were
// cut.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "h1/session.h"
#include "http/stream.h"

namespace mk8s::h1 {

inline std::string Describe(const http::Fields& fields) {
  std::string text;
  for (const http::Field& field : fields) text += " " + field.name + "=" + field.value;
  return text;
}

class Transcript {
 public:
  void Line(std::string line) { lines_.push_back(std::move(line)); }
  void Body(std::string_view bytes) {
    if (lines_.empty() || !lines_.back().starts_with("body ")) lines_.emplace_back("body ");
    lines_.back() += bytes;
  }
  std::string Text() const {
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  std::vector<std::string> lines_;
};

class RecordingEvents : public http::ResponseEvents {
 public:
  explicit RecordingEvents(Transcript& transcript) : transcript_(transcript) {}

  void OnHead(http::ResponseHead head, bool end) override {
    transcript_.Line(std::to_string(head.status) + Describe(head.fields) +
                     (head.protocol.empty() ? "" : " upgrade to " + head.protocol) +
                     (end ? " end" : ""));
  }
  void OnBody(std::string_view bytes) override {
    transcript_.Body(bytes);
    if (stream && consume) stream->Consume(bytes.size());
    if (echo) stream->SendBody(bytes);
  }
  void OnEnd(const http::Fields& trailers) override {
    transcript_.Line("end" + Describe(trailers));
    ended = true;
    if (on_end) on_end();
  }
  void OnReset(http::ResetReason reason) override {
    transcript_.Line("reset " + std::string(Name(reason)));
  }
  void OnSent(std::size_t bytes) override { sent += bytes; }

  std::shared_ptr<http::Stream> stream;
  bool consume = true;
  bool echo = false;
  bool ended = false;
  std::size_t sent = 0;
  std::function<void()> on_end;

 private:
  Transcript& transcript_;
};

// Answers each request, once it is whole, with 200 and "ok"; or as `answer` says.
class RecordingHandler : public http::Handler {
 public:
  using Answer = std::function<void(http::RequestHead&, http::ResponseStream&)>;

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    transcript.Line(
        head.method + " " + head.target + " at " + head.authority + Describe(head.fields) +
        (head.protocol.empty() ? "" : " upgrade to " + head.protocol) + (end ? " end" : ""));
    last_stream = stream;
    last_events = std::make_shared<RecordingEvents>(transcript);
    last_events->stream = stream;
    auto respond = [this, head, stream]() mutable {
      if (answer) {
        answer(head, *stream);
      } else {
        stream->SendHead({.fields = {{"content-length", "2"}}}, false);
        stream->SendBody("ok");
        stream->SendEnd();
      }
    };
    if (end || answer_early) {
      respond();
    } else {
      last_events->on_end = respond;
    }
    return last_events;
  }

  Transcript transcript;
  Answer answer;
  bool answer_early = false;  // do not wait for the body
  std::shared_ptr<http::ResponseStream> last_stream;
  std::shared_ptr<RecordingEvents> last_events;
};

struct Outcome {
  std::string events;
  std::string output;
  bool finished = false;
  bool failed = false;
};

inline std::string Flush(http::Session& session) {
  std::string all;
  for (;;) {
    std::string out;
    session.Produce(out, 64);
    if (out.empty()) return all;
    all += out;
  }
}

// The request id is random.
inline std::string WithoutRequestId(std::string text) {
  for (const std::string_view mark : {"X-Request-Id: ", "\"request_id\":\""}) {
    if (const auto at = text.find(mark); at != std::string::npos) {
      text.replace(at + mark.size(), 36, "ID");
    }
  }
  return text;
}

inline Outcome Serve(RecordingHandler& handler, const std::vector<std::string_view>& pieces) {
  auto session = ServerSession::Make(handler);
  Outcome outcome;
  for (const std::string_view piece : pieces) {
    if (!session->Receive(piece)) outcome.failed = true;
    outcome.output += Flush(*session);
  }
  outcome.finished = session->Finished();
  outcome.events = handler.transcript.Text();
  outcome.output = WithoutRequestId(outcome.output);
  session->ConnectionLost();
  return outcome;
}

inline std::vector<std::vector<std::string_view>> Cuts(std::string_view bytes) {
  std::vector<std::vector<std::string_view>> cuts = {{bytes}, {}};
  for (std::size_t i = 0; i < bytes.size(); ++i) cuts[1].push_back(bytes.substr(i, 1));
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    cuts.push_back({bytes.substr(0, i), bytes.substr(i)});
  }
  return cuts;
}

}  // namespace mk8s::h1

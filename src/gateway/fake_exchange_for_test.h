// Both sides of a relay in memory: streams that hold what they were given until a test lets it
// leave, and keep account of what was consumed.  As the sessions do, they never call back from
// within a call.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/relay.h"

namespace mk8s::gateway {

class FakeStream : public http::ResponseStream {
 public:
  void SendHead(const http::ResponseHead& sent, bool end) override {
    if (!open()) return;
    head = sent;
    ended = end;
  }
  void SendContinue() override {}
  void SendBody(std::string_view bytes) override {
    if (!open() || ended) return;
    body += bytes;
    queued += bytes.size();
    queued_most = std::max(queued_most, queued);
  }
  void SendEnd(const http::Fields& sent) override {
    if (!open()) return;
    ended = true;
    trailers = sent;
  }
  void Reset(http::ResetReason reason) override {
    if (open()) reset = reason;
  }
  void Consume(std::size_t bytes) override { consumed += bytes; }

  bool open() const { return !reset && !lost; }

  /// Up to `bytes` leave for the transport.
  void Leave(std::size_t bytes) {
    bytes = std::min(bytes, queued);
    queued -= bytes;
    if (bytes > 0 && events) std::shared_ptr(events)->OnSent(bytes);
  }
  /// The session lets go of the events, as after an end or a reset.
  void Release() { std::exchange(events, nullptr); }
  void Lose(http::ResetReason reason) {
    lost = true;
    if (const auto last = std::exchange(events, nullptr)) last->OnReset(reason);
  }

  std::shared_ptr<http::StreamEvents> events;
  std::optional<http::ResponseHead> head;
  std::string body;
  http::Fields trailers;
  bool ended = false;
  bool lost = false;
  std::optional<http::ResetReason> reset;
  std::size_t queued = 0;
  std::size_t queued_most = 0;
  std::size_t consumed = 0;
};

class FakeUpstream : public http::ClientSession {
 public:
  std::shared_ptr<http::Stream> Send(const http::RequestHead& head, bool end,
                                     std::shared_ptr<http::ResponseEvents> heard_by) override {
    request = head;
    stream = std::make_shared<FakeStream>();
    stream->events = heard_by;
    stream->ended = end;
    events = heard_by;
    return stream;
  }
  bool CanSend() const override { return true; }
  std::size_t OpenStreams() const override { return 0; }

  std::optional<http::RequestHead> request;
  std::shared_ptr<FakeStream> stream;
  std::weak_ptr<http::ResponseEvents> events;
};

class RecordingObserver : public RelayObserver {
 public:
  void OnResponseHead(int status) override { statuses.push_back(status); }
  void OnDone(const RelayOutcome& done) override {
    ++times_done;
    outcome = done;
  }
  std::vector<int> statuses;
  int times_done = 0;
  RelayOutcome outcome;
};

inline Answer AnswerInText(const Error& error) {
  return {{.status = error.code == ErrorCode::kPermissionDenied ? 403 : 502}, error.message};
}

/// A relay between two of them.
struct Joined {
  explicit Joined(bool request_end = true, RelayHooks hooks = {.answer_error = AnswerInText}) {
    auto relay = Relay::Make(client, request_end, std::move(hooks), observer);
    client->events = relay->downstream_events();
    weak = relay;
  }
  ~Joined() {
    client->Release();
    if (cluster) cluster->Release();
  }
  void Start(http::RequestHead head = {.method = "GET", .target = "/api"}) {
    weak.lock()->Start(upstream, head);
    cluster = upstream.stream;
  }
  http::StreamEvents& from_client() { return *client->events; }
  http::ResponseEvents& from_cluster() { return *upstream.events.lock(); }

  std::shared_ptr<FakeStream> client = std::make_shared<FakeStream>();
  std::shared_ptr<RecordingObserver> observer = std::make_shared<RecordingObserver>();
  FakeUpstream upstream;
  std::shared_ptr<FakeStream> cluster;
  std::weak_ptr<Relay> weak;
};

}  // namespace mk8s::gateway

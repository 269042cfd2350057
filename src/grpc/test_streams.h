// For the tests: an exchange, a connection and a timer made by hand.
#pragma once

#include <any>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grpc/timer.h"
#include "grpc/wire.h"
#include "http/stream.h"

namespace mk8s::grpc::testing {

/// Remembers what was done to it.
class FakeStream : public http::ResponseStream {
 public:
  void SendHead(const http::ResponseHead& response, bool end) override {
    head = response;
    ended = end;
  }
  void SendContinue() override {}
  void SendBody(std::string_view bytes) override { body += bytes; }
  void SendEnd(const http::Fields& fields) override {
    ended = true;
    trailers = fields;
  }
  void Reset(http::ResetReason reason) override {
    if (!reset) reset = reason;
  }
  void Consume(std::size_t bytes) override { consumed += bytes; }

  std::optional<http::ResponseHead> head;
  std::string body;
  bool ended = false;
  http::Fields trailers;
  std::optional<http::ResetReason> reset;
  std::size_t consumed = 0;
};

class FakeSession : public http::ClientSession {
 public:
  std::shared_ptr<http::Stream> Send(const http::RequestHead& request, bool end,
                                     std::shared_ptr<http::ResponseEvents> sink) override {
    head = request;
    head_ended = end;
    events = std::move(sink);
    return stream;
  }
  bool CanSend() const override { return true; }
  std::size_t OpenStreams() const override { return 0; }

  http::RequestHead head;
  bool head_ended = false;
  std::shared_ptr<http::ResponseEvents> events;
  std::shared_ptr<FakeStream> stream = std::make_shared<FakeStream>();
};

class FakeTimer : public Timer {
 public:
  std::shared_ptr<void> After(std::chrono::milliseconds delay,
                              std::function<void()> task) override {
    auto entry = std::make_shared<Entry>(Entry{delay, std::move(task)});
    entries.push_back(entry);
    return entry;
  }
  /// Runs those that were not cancelled; returns how many.
  int Fire() {
    int count = 0;
    for (const auto& weak : std::exchange(entries, {})) {
      if (const auto entry = weak.lock()) {
        ++count;
        entry->task();
      }
    }
    return count;
  }

  struct Entry {
    std::chrono::milliseconds delay;
    std::function<void()> task;
  };
  std::vector<std::weak_ptr<Entry>> entries;
};

inline std::string Framed(std::string_view message) {
  const auto prefix = MessagePrefix(message.size());
  return std::string(prefix.data(), prefix.size()).append(message);
}

/// The messages in a body.
inline std::vector<std::string> Unframed(std::string_view body) {
  std::vector<std::string> messages;
  MessageReader reader(SIZE_MAX);
  (void)reader.Push(body, [&](std::string message) { messages.push_back(std::move(message)); });
  return messages;
}

}  // namespace mk8s::grpc::testing

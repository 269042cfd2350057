// A small HTTP server and client for net's tests only.
#pragma once

#include <map>
#include <optional>

#include "net/http_server.h"
#include "net/test_server.h"

namespace mk8s::net {

/// "/echo" and upgrades echo the body; "/hold" never answers; else 200 with the target as body.
class TestHandler : public http::Handler {
 public:
  class Echo : public http::StreamEvents {
   public:
    explicit Echo(std::shared_ptr<http::ResponseStream> stream) : stream_(std::move(stream)) {}
    void OnBody(std::string_view bytes) override {
      in_flight_ += bytes.size();
      stream_->SendBody(bytes);
    }
    void OnEnd(const http::Fields&) override { stream_->SendEnd(); }
    void OnReset(http::ResetReason) override {}
    void OnSent(std::size_t bytes) override { stream_->Consume(bytes); }

   private:
    std::shared_ptr<http::ResponseStream> stream_;
    std::size_t in_flight_ = 0;
  };
  class Silent : public http::StreamEvents {
   public:
    Silent(std::atomic<int>& held, std::shared_ptr<http::ResponseStream> stream)
        : held_(held), stream_(std::move(stream)) {
      ++held_;
    }
    void OnBody(std::string_view bytes) override { stream_->Consume(bytes.size()); }
    void OnEnd(const http::Fields&) override {}
    void OnReset(http::ResetReason) override { --held_; }
    void OnSent(std::size_t) override {}

   private:
    std::atomic<int>& held_;
    std::shared_ptr<http::ResponseStream> stream_;
  };

  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    ++requests;
    if (head.target == "/hold") return std::make_shared<Silent>(held, std::move(stream));
    auto echo = std::make_shared<Echo>(stream);
    if (!head.protocol.empty()) {
      if (head.target == "/forbidden") {
        stream->SendHead({.status = 403}, true);
      } else {
        stream->SendHead({.status = 101, .protocol = head.protocol}, false);
      }
    } else if (head.target == "/echo") {
      stream->SendHead({.status = 200}, end);
    } else {
      const bool body = head.method != "HEAD";
      stream->SendHead({.status = head.target == "/missing" ? 404 : 200,
                        .fields = {{"content-length", std::to_string(head.target.size())}}},
                       !body);
      if (body) {
        stream->SendBody(head.target);
        stream->SendEnd();
      }
      return std::make_shared<Silent>(answered, std::move(stream));
    }
    return echo;
  }

  std::atomic<int> requests = 0;
  std::atomic<int> held = 0;
  std::atomic<int> answered = 0;
};

/// Gathers one response; read it after `done`.
class Gathered : public http::ResponseEvents, public std::enable_shared_from_this<Gathered> {
 public:
  void OnHead(http::ResponseHead got, bool end) override {
    head = std::move(got);
    if (end) Done("");
  }
  void OnBody(std::string_view bytes) override {
    body += bytes;
    stream->Consume(bytes.size());
    if (on_body) on_body();
  }
  void OnEnd(const http::Fields&) override { Done(""); }
  void OnReset(http::ResetReason reason) override { Done(std::string(http::Name(reason))); }
  void OnSent(std::size_t bytes) override { sent += bytes; }

  /// Empty, or why it was reset.
  std::string Wait() { return Await(done.get_future()); }

  http::ResponseHead head{.status = 0};
  std::string body;
  std::shared_ptr<http::Stream> stream;
  std::function<void()> on_body;
  std::promise<std::string> done;
  std::size_t sent = 0;

 private:
  void Done(std::string how) {
    if (!std::exchange(done_, true)) done.set_value(std::move(how));
  }
  bool done_ = false;
};

}  // namespace mk8s::net

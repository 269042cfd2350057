// Requests from outside: however the bytes are cut, the handler hears the same, and nothing that
// could split a message or pass a check by its spelling.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "h1/session.h"

namespace {

using namespace mk8s;

void Require(bool holds) {
  if (!holds) std::abort();
}

class Listener : public http::Handler, public http::StreamEvents {
 public:
  std::shared_ptr<http::StreamEvents> OnRequest(
      http::RequestHead head, bool end, std::shared_ptr<http::ResponseStream> stream) override {
    Require(head.target.starts_with('/'));
    for (const http::Field& field : head.fields) {
      Require(field.name != "connection" && field.name != "transfer-encoding");
      Require(std::none_of(field.value.begin(), field.value.end(),
                           [](char c) { return c == '\r' || c == '\n' || c == '\0'; }));
    }
    heard += head.method + " " + head.target + " " + head.authority + " " + head.protocol +
             std::to_string(head.fields.size()) + "\n";
    stream_ = std::move(stream);
    upgrade_ = !head.protocol.empty();
    in_body_ = false;
    if (upgrade_) {
      stream_->SendHead({.status = 101}, false);
    } else if (end) {
      stream_->SendHead({.status = 204}, true);
    }
    return std::shared_ptr<http::StreamEvents>(std::shared_ptr<void>(), this);
  }
  void OnBody(std::string_view bytes) override {
    if (!in_body_) heard += "body ";
    in_body_ = true;
    heard += bytes;
    stream_->Consume(bytes.size());
    if (upgrade_) stream_->SendBody(bytes);
  }
  void OnEnd(const http::Fields& trailers) override {
    heard += "end" + std::to_string(trailers.size()) + "\n";
    if (upgrade_) {
      stream_->SendEnd();
    } else {
      stream_->SendHead({.status = 204}, true);
    }
  }
  void OnReset(http::ResetReason reason) override {
    heard += "reset " + std::string(Name(reason)) + "\n";
  }
  void OnSent(std::size_t) override {}

  std::string heard;

 private:
  std::shared_ptr<http::ResponseStream> stream_;
  bool upgrade_ = false;
  bool in_body_ = false;
};

std::string Serve(std::string_view bytes, std::size_t piece) {
  Listener listener;
  const auto session = h1::ServerSession::Make(listener);
  std::string out;
  while (!bytes.empty() && !session->Finished()) {
    (void)session->Receive(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    out.clear();
    session->Produce(out, 1 << 20);
  }
  session->ReceiveEof();
  session->Produce(out, 1 << 20);
  session->ConnectionLost();
  Require(session->OpenStreams() == 0);
  return listener.heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  Require(Serve(text, text.size() + 1) == Serve(text, bytes[0] % 16 + 1));
  return 0;
}

// Responses from a cluster: however the bytes are cut, the asker hears the same, in the order that
// it was promised.
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

class Listener : public http::ResponseEvents {
 public:
  void OnHead(http::ResponseHead head, bool end) override {
    Require(!head_ && !over_);
    Require(head.status == 101 || (head.status >= 200 && head.status <= 999));
    Require((head.status == 101) == !head.protocol.empty());
    head_ = true;
    ended_ = end;
    heard += std::to_string(head.status) + head.protocol + std::to_string(head.fields.size());
  }
  void OnBody(std::string_view bytes) override {
    Require(head_ && !ended_ && !over_ && !bytes.empty());
    heard += bytes;
    stream->Consume(bytes.size());
  }
  void OnEnd(const http::Fields& trailers) override {
    Require(head_ && !ended_ && !over_);
    ended_ = true;
    heard += "end" + std::to_string(trailers.size());
    stream->SendEnd();
  }
  void OnReset(http::ResetReason reason) override {
    Require(!over_);
    over_ = true;
    heard += "reset " + std::string(Name(reason));
  }
  void OnSent(std::size_t) override {}

  std::string heard;
  std::shared_ptr<http::Stream> stream;

 private:
  bool head_ = false;
  bool ended_ = false;
  bool over_ = false;
};

std::string Ask(std::string_view bytes, unsigned kind, std::size_t piece) {
  const auto listener = std::make_shared<Listener>();
  const auto session = h1::ClientSession::Make();
  http::RequestHead head{.method = kind % 3 == 1 ? "HEAD" : "GET", .authority = "c", .target = "/"};
  if (kind % 3 == 2) head.protocol = "websocket";
  listener->stream = session->Send(head, kind % 3 != 2, listener);
  std::string out;
  session->Produce(out, 1 << 20);
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
  return listener->heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const unsigned kind = bytes[0] / 16U;
  Require(Ask(text, kind, text.size() + 1) == Ask(text, kind, bytes[0] % 16 + 1));
  return 0;
}

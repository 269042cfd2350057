// The command line's client: a loop that runs on the caller's thread while it waits, with the same
// dialer, TLS and HTTP/1.1 session as everything else.
#include "net/blocking_client.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"
#include "net/blocking_dial.h"

namespace mk8s::net {
namespace {

using std::chrono::milliseconds;

Error BadUrl(std::string_view url) {
  return MakeError(
      ErrorCode::kInvalidArgument,
      "\"" + Printable(url, 200) + "\" is not a server address like https://host:port");
}

bool IsSafe(std::string_view method) { return method == "GET" || method == "HEAD"; }

/// One call: gathers the answer.
class Call final : public http::ResponseEvents {
 public:
  using OnPiece = std::function<bool(std::string_view)>;
  Call(std::size_t body_bytes_max, const OnPiece* on_piece)
      : body_bytes_max_(body_bytes_max), on_piece_(on_piece) {}

  void OnHead(http::ResponseHead head, bool end) override {
    response.status = head.status;
    response.fields = std::move(head.fields);
    done = done || end;
    ++progress;
  }
  void OnBody(std::string_view bytes) override {
    ++progress;
    stream->Consume(bytes.size());
    if (done) return;
    if (on_piece_ && response.status / 100 == 2) {
      done = stopped = !(*on_piece_)(bytes);
    } else if (response.body.size() + bytes.size() > body_bytes_max_) {
      error = MakeError(ErrorCode::kTooLarge, "the server's answer is larger than " +
                                                  std::to_string(body_bytes_max_) + " bytes");
      done = true;
    } else {
      response.body += bytes;
    }
  }
  void OnEnd(const http::Fields&) override { done = true; }
  void OnReset(http::ResetReason reason) override {
    if (done) return;
    done = true;
    error =
        MakeError(ErrorCode::kUnavailable, "the server closed the connection before it answered",
                  std::string(Name(reason)));
  }
  void OnSent(std::size_t bytes) override {
    ++progress;
    in_flight -= std::min(in_flight, bytes);
    Feed();
  }

  /// Keeps the bound on what a stream holds.
  void Feed() {
    while (stream && !to_send.empty() && in_flight < limits::kSendQueueBytes) {
      const auto piece = to_send.substr(0, limits::kFrameBytesMax);
      to_send.remove_prefix(piece.size());
      in_flight += piece.size();
      stream->SendBody(piece);
      if (to_send.empty()) stream->SendEnd();
    }
  }

  Response response;
  std::shared_ptr<http::Stream> stream;
  std::string_view to_send;
  std::size_t in_flight = 0;
  std::optional<Error> error;
  std::size_t progress = 0;
  bool done = false;
  bool stopped = false;

 private:
  const std::size_t body_bytes_max_;
  const OnPiece* const on_piece_;
};

}  // namespace

class BlockingClient::State {
 public:
  BlockingClientOptions options;
  ClientOrigin origin;

  Result<Response> Do(const http::RequestHead& head, std::string_view body,
                      const Call::OnPiece* on_piece);
  Result<void> Connect();
  /// Runs the loop until `done` or the deadline.  `progress` growing moves the deadline, if given.
  bool Wait(const std::function<bool()>& done, const std::size_t* progress = nullptr);

  bool connected() const { return connection_ && !connection_->closed() && session_->CanSend(); }

 private:
  Result<Response> Exchange(const http::RequestHead& head, std::string_view body,
                            const Call::OnPiece* on_piece);

  Loop loop_;
  std::shared_ptr<Connection> connection_;
  http::ClientSession* session_ = nullptr;  // the connection's
};

bool BlockingClient::State::Wait(const std::function<bool()>& done, const std::size_t* progress) {
  bool late = false;
  std::size_t seen = progress ? *progress : 0;
  Timer timer;
  std::function<void()> check = [&] {
    if (!progress || *progress == seen) {
      late = true;
      return;
    }
    seen = *progress;
    timer = loop_.After(options.timeout, check);
  };
  timer = loop_.After(options.timeout, check);
  loop_.RunUntil([&] { return late || done(); });
  return done();
}

Result<void> BlockingClient::State::Connect() {
  MK8S_ASSIGN_OR_RETURN(const ClientConnection made, ConnectTo(loop_, origin, options.timeout));
  connection_ = made.connection;
  session_ = made.session;
  return {};
}

Result<Response> BlockingClient::State::Exchange(const http::RequestHead& head,
                                                 std::string_view body,
                                                 const Call::OnPiece* on_piece) {
  auto call = std::make_shared<Call>(options.body_bytes_max, on_piece);
  call->to_send = body;
  call->stream = session_->Send(head, body.empty(), call);
  call->Feed();
  const bool done = Wait([&call] { return call->done; }, on_piece ? &call->progress : nullptr);
  auto stream = std::exchange(call->stream, nullptr);
  call->to_send = {};
  if (!done || call->error || call->stopped) {
    call->done = true;
    stream->Reset(http::ResetReason::kCancel);
    if (connection_) connection_->Close();
  }
  if (!done) {
    return MakeError(
        ErrorCode::kDeadlineExceeded,
        origin.target.ToString() + " did not answer in time; retry, or check the server");
  }
  if (call->error) return *call->error;
  return std::move(call->response);
}

Result<Response> BlockingClient::State::Do(const http::RequestHead& head, std::string_view body,
                                           const Call::OnPiece* on_piece) {
  // A kept connection may have been closed by the server meanwhile; one look tells of most.
  if (connection_) {
    bool looked = false;
    loop_.Post([&looked] { looked = true; });
    loop_.RunUntil([&looked] { return looked; });
  }
  const bool kept = connected();
  if (!kept) MK8S_RETURN_IF_ERROR(Connect());
  auto result = Exchange(head, body, on_piece);
  const bool died = !result && result.error().code == ErrorCode::kUnavailable;
  if (!kept || !died || !IsSafe(head.method)) return result;
  MK8S_RETURN_IF_ERROR(Connect());
  return Exchange(head, body, on_piece);
}

BlockingClient::BlockingClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
BlockingClient::~BlockingClient() = default;

Result<std::unique_ptr<BlockingClient>> BlockingClient::Create(
    const BlockingClientOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  MK8S_ASSIGN_OR_RETURN(state->origin, OriginOf(options));
  return std::unique_ptr<BlockingClient>(new BlockingClient(std::move(state)));
}

namespace {

http::RequestHead Head(const DialTarget& target, std::string_view method, std::string_view path,
                       const http::Fields& fields, std::string_view body) {
  http::RequestHead head{.method = std::string(method),
                         .authority = target.ToString(),
                         .target = std::string(path),
                         .fields = fields};
  if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH") {
    head.fields.Set("content-length", std::to_string(body.size()));
  }
  return head;
}

}  // namespace

Result<Response> BlockingClient::Do(std::string_view method, std::string_view path,
                                    const http::Fields& fields, std::string_view body) {
  return state_->Do(Head(state_->origin.target, method, path, fields, body), body, nullptr);
}

Result<Response> BlockingClient::Stream(std::string_view method, std::string_view path,
                                        const http::Fields& fields, std::string_view body,
                                        const std::function<bool(std::string_view)>& on_body) {
  return state_->Do(Head(state_->origin.target, method, path, fields, body), body, &on_body);
}

Result<UrlParts> ParseBaseUrl(std::string_view url) {
  UrlParts parts;
  std::string_view rest = url;
  if (rest.starts_with("http://")) {
    parts.tls = false;
    parts.port = 80;
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return BadUrl(url);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == std::string_view::npos) return BadUrl(url);
    parts.host = rest.substr(1, close - 1);
    port = rest.substr(close + 1);
  } else {
    const auto colon = std::min(rest.find(':'), rest.size());
    parts.host = rest.substr(0, colon);
    port = rest.substr(colon);
  }
  if (!port.empty()) {
    const char* end = port.data() + port.size();
    const auto parsed = std::from_chars(port.data() + 1, end, parts.port);
    if (port[0] != ':' || parsed.ec != std::errc() || parsed.ptr != end || parts.port == 0) {
      return BadUrl(url);
    }
  }
  constexpr std::string_view kHostBytes =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:";
  if (parts.host.empty() || parts.host.find_first_not_of(kHostBytes) != std::string::npos) {
    return BadUrl(url);
  }
  return parts;
}

Result<PeerIdentity> FetchPeerIdentity(const std::string& base_url, milliseconds timeout) {
  MK8S_ASSIGN_OR_RETURN(auto url, ParseBaseUrl(base_url));
  if (!url.tls) return BadUrl(base_url);
  MK8S_ASSIGN_OR_RETURN(auto tls, TlsContext::Client({.server_name = url.host,
                                                      .alpn = {std::string(kAlpnHttp1)},
                                                      .insecure_skip_verify = true}));
  Loop loop;
  std::optional<Result<std::shared_ptr<Connection>>> dialed;
  Dial(loop, {url.host, url.port, ProxyFromEnvironment(url.host)}, tls, timeout,
       [&dialed](auto result) { dialed = std::move(result); });
  loop.RunUntil([&dialed] { return dialed.has_value(); });
  if (!*dialed) return dialed->error();
  const PeerCertificate* peer = (**dialed)->peer_certificate();
  if (!peer) return MakeError(ErrorCode::kUnavailable, "the server shows no certificate");
  return PeerIdentity{peer->sha256, peer->chain_pem};
}

}  // namespace mk8s::net

// See client.h.
#include "grpc/client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "grpc/wire.h"

namespace mk8s::grpc {
namespace {

// One call, unary or streaming: unary is a stream of one message.
class Call final : public ClientCall,
                   public http::ResponseEvents,
                   public std::enable_shared_from_this<Call> {
 public:
  Call(const CallOptions& options, StreamCallbacks callbacks)
      : reader_(options.message_bytes_max), callbacks_(std::move(callbacks)) {}

  void Start(http::ClientSession& session, Timer& timer, std::string_view path,
             std::string_view request, const CallOptions& options) {
    http::RequestHead head{.method = "POST", .authority = options.authority};
    head.target = path;
    head.fields = options.metadata;
    head.fields.Set("content-type", kContentType);
    head.fields.Set("te", "trailers");
    head.fields.Set("grpc-accept-encoding", "identity");
    head.fields.Set("user-agent", "mk8s/" MK8S_VERSION);
    if (options.deadline.count() > 0) {
      head.fields.Set("grpc-timeout", FormatTimeout(options.deadline));
      deadline_ = timer.After(options.deadline, [weak = weak_from_this()] {
        if (const auto call = weak.lock()) call->OnDeadline();
      });
    }
    stream_ = session.Send(head, false, shared_from_this());
    const auto prefix = MessagePrefix(request.size());
    stream_->SendBody({prefix.data(), prefix.size()});
    stream_->SendBody(request);
    stream_->SendEnd();
  }

  void Cancel() override {
    if (!finished_) stream_->Reset(http::ResetReason::kCancel);
  }

  void Release(std::size_t bytes) override {
    held_bytes_ -= std::min(bytes, held_bytes_);
    ConsumeIfRoom();
  }

  void OnHead(http::ResponseHead head, bool end) override {
    if (auto status = StatusFromFields(head.fields)) return Finish(std::move(*status));
    if (head.status != 200) return Finish(ErrorFromHttpStatus(head.status));
    if (!IsGrpcContentType(head.fields.Get("content-type"))) {
      return Finish(MakeError(ErrorCode::kInternal,
                              "The server does not answer as gRPC; check the address and the port.",
                              "content-type " + std::string(head.fields.Get("content-type"))));
    }
    // grpc-encoding alone says little: grpcio names gzip and then sends messages as they are.
    if (end) FinishWithoutStatus();
  }

  void OnBody(std::string_view bytes) override {
    unconsumed_bytes_ += bytes.size();
    const auto read = reader_.Push(bytes, [this](std::string message) {
      if (finished_) return;
      held_bytes_ += message.size();
      callbacks_.on_message(std::move(message));
    });
    if (!read) Finish(read.error());
    ConsumeIfRoom();
  }

  void OnEnd(const http::Fields& trailers) override {
    auto status = StatusFromFields(trailers);
    if (!status) return FinishWithoutStatus();
    if (*status && reader_.InMessage()) {
      return Finish(MakeError(ErrorCode::kInternal, "The last message is cut off."));
    }
    Finish(std::move(*status));
  }

  void OnReset(http::ResetReason reason) override { Finish(ErrorFromReset(reason)); }
  void OnSent(std::size_t) override {}

 private:
  void OnDeadline() {
    Finish(MakeError(ErrorCode::kDeadlineExceeded, "The server did not answer in time."));
  }

  void FinishWithoutStatus() {
    Finish(MakeError(ErrorCode::kInternal, "The server ended the call without a status."));
  }

  // A reader that is behind is not sent more than it can hold.  Parts of a message that is still
  // arriving do not count: one may be larger than the window.
  void ConsumeIfRoom() {
    if (held_bytes_ >= limits::kStreamWindowBytes || unconsumed_bytes_ == 0) return;
    stream_->Consume(std::exchange(unconsumed_bytes_, 0));
  }

  void Finish(Result<void> result) {
    if (finished_) return;
    finished_ = true;
    const auto self = shared_from_this();
    deadline_.reset();
    stream_->Reset(http::ResetReason::kCancel);  // does nothing where both directions ended
    const auto callbacks = std::exchange(callbacks_, {});
    callbacks.on_done(std::move(result));
  }

  MessageReader reader_;
  StreamCallbacks callbacks_;
  std::shared_ptr<http::Stream> stream_;
  std::shared_ptr<void> deadline_;
  std::size_t held_bytes_ = 0;        // in messages that the receiver has not released
  std::size_t unconsumed_bytes_ = 0;  // of the stream's window
  bool finished_ = false;
};

}  // namespace

std::shared_ptr<ClientCall> ServerStreamingCall(http::ClientSession& session, Timer& timer,
                                                std::string_view path, std::string_view request,
                                                const CallOptions& options,
                                                StreamCallbacks callbacks) {
  auto call = std::make_shared<Call>(options, std::move(callbacks));
  call->Start(session, timer, path, request, options);
  return call;
}

std::shared_ptr<ClientCall> UnaryCall(http::ClientSession& session, Timer& timer,
                                      std::string_view path, std::string_view request,
                                      const CallOptions& options,
                                      std::function<void(Result<std::string>)> done) {
  struct Response {
    std::string message;
    int count = 0;
  };
  auto response = std::make_shared<Response>();
  StreamCallbacks callbacks;
  callbacks.on_message = [response](std::string message) {
    if (++response->count == 1) response->message = std::move(message);
  };
  callbacks.on_done = [response, done = std::move(done)](Result<void> result) {
    if (!result) return done(std::move(result).error());
    if (response->count != 1) {
      return done(MakeError(ErrorCode::kInternal, "The server answered with " +
                                                      std::to_string(response->count) +
                                                      " messages instead of one."));
    }
    done(std::move(response->message));
  };
  return ServerStreamingCall(session, timer, path, request, options, std::move(callbacks));
}

}  // namespace mk8s::grpc

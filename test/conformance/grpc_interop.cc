// A gRPC server and client over net and h2, in plaintext, for test/functional/test_grpc_interop.py,
// which holds them to Debian's python3-grpcio.  Messages are plain bytes.
//   grpc_interop serve
//     prints its address, then serves /interop.Test/* until killed
//   grpc_interop call ADDRESS PATH DEADLINE_MS CANCEL_AFTER < request
//     prints "message SIZE SHA256" for each message, then "done CODE MESSAGE"; cancels after that
//     many messages unless it is 0
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include "base/encoding.h"
#include "base/text.h"
#include "gateway/loop_timer.h"
#include "grpc/client.h"
#include "grpc/server.h"
#include "h2/session.h"
#include "net/dialer.h"
#include "net/listener.h"

namespace mk8s {
namespace {

// Writes messages of `size` bytes until `left` are written, as fast as the client reads.
struct Counting : std::enable_shared_from_this<Counting> {
  void Run() {
    while (left > 0) {
      --left;
      if (!writer->Write(std::string(size, static_cast<char>('a' + left % 26)))) return;
    }
    writer->Finish({});
    writer.reset();
  }
  std::shared_ptr<grpc::ServerWriter> writer;
  std::size_t left = 0;
  std::size_t size = 0;
};

void AddMethods(grpc::Server& server) {
  static int cancellations = 0;  // one loop
  const auto count_cancellation = [] { ++cancellations; };
  server.AddUnary("/interop.Test/Echo", [](grpc::CallContext&, std::string request,
                                           grpc::Reply reply) { reply(std::move(request)); });
  server.AddUnary("/interop.Test/Field",
                  [](grpc::CallContext& context, std::string request, grpc::Reply reply) {
                    reply(std::string(context.head().fields.Get(request)));
                  });
  // "code_name message"
  server.AddUnary("/interop.Test/Fail",
                  [](grpc::CallContext&, std::string request, grpc::Reply reply) {
                    const auto space = request.find(' ');
                    for (const ErrorCode code : kAllErrorCodes) {
                      if (Name(code) == request.substr(0, space)) {
                        return reply(MakeError(code, request.substr(space + 1)));
                      }
                    }
                    reply(std::string("no such code"));
                  });
  server.AddUnary("/interop.Test/Silent",
                  [count_cancellation](grpc::CallContext& context, std::string, grpc::Reply reply) {
                    context.OnCancelled([count_cancellation, reply] { count_cancellation(); });
                  });
  server.AddUnary("/interop.Test/Cancellations",
                  [](grpc::CallContext&, std::string, grpc::Reply reply) {
                    reply(std::to_string(cancellations));
                  });
  // "count size"
  server.AddServerStreaming(
      "/interop.Test/Count",
      [count_cancellation](std::string request, std::shared_ptr<grpc::ServerWriter> writer) {
        auto counting = std::make_shared<Counting>();
        const auto parts = Split(request, ' ');
        counting->left = std::stoul(std::string(parts[0]));
        counting->size = std::stoul(std::string(parts[1]));
        writer->context().OnCancelled([counting, count_cancellation] {
          count_cancellation();
          counting->writer.reset();
        });
        writer->OnWritable([counting] { counting->Run(); });
        counting->writer = std::move(writer);
        counting->Run();
      });
}

int Serve() {
  net::LoopGroup loops(1);
  gateway::LoopTimer timer(loops.at(0));
  grpc::Server server;
  AddMethods(server);
  auto listener = net::Listener::Listen(
      loops, {.bind_address = "127.0.0.1"}, [&](std::shared_ptr<net::Connection> connection) {
        auto handler = std::make_shared<grpc::ConnectionHandler>(server, timer, std::any());
        connection->Attach(h2::Session::Server(*handler), net::Deadlines::Server(false));
        connection->SetOnClosed([handler](const Error&) {});
      });
  if (!listener) {
    std::cerr << listener.error().message << "\n";
    return 1;
  }
  std::cout << (*listener)->endpoint() << std::endl;
  loops.Start();
  pause();
  return 0;
}

// One call on a connection of its own.
struct Caller {
  void Dialed(Result<std::shared_ptr<net::Connection>> dialed) {
    if (!dialed) return Done(std::move(dialed).error());
    connection = *dialed;
    auto session = h2::Session::Client();
    h2::Session& client = *session;
    connection->Attach(std::move(session), net::Deadlines::Client());
    call = grpc::ServerStreamingCall(
        client, timer, path, request, {.deadline = deadline, .authority = "interop.test"},
        {.on_message = [this](std::string message) { Message(message); },
         .on_done = [this](Result<void> result) { Done(std::move(result)); }});
  }

  void Message(const std::string& message) {
    std::cout << "message " << message.size() << " " << HexEncode(Sha256(message)) << std::endl;
    call->Release(message.size());
    if (++messages == cancel_after) call->Cancel();
  }

  void Done(Result<void> result) {
    std::cout << "done "
              << (result ? "ok"
                         : std::string(Name(result.error().code)) + " " + result.error().message)
              << std::endl;
    if (connection) connection->Shutdown(std::chrono::seconds(1));
    stop = loop.After(std::chrono::milliseconds(50), [this] { loop.Stop(); });
  }

  net::Loop loop;
  gateway::LoopTimer timer{loop};
  net::Timer stop;
  std::string path, request;
  std::chrono::milliseconds deadline{0};
  int cancel_after = 0;
  int messages = 0;
  std::shared_ptr<net::Connection> connection;
  std::shared_ptr<grpc::ClientCall> call;
};

int Call(char** arguments) {
  const std::string address = arguments[0];
  const auto colon = address.rfind(':');
  Caller caller;
  caller.path = arguments[1];
  caller.deadline = std::chrono::milliseconds(std::atol(arguments[2]));
  caller.cancel_after = std::atoi(arguments[3]);
  caller.request.assign(std::istreambuf_iterator<char>(std::cin), {});
  net::Dial(caller.loop,
            {.host = address.substr(0, colon),
             .port = static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1))},
            nullptr, limits::kDialDeadline, [&](Result<std::shared_ptr<net::Connection>> dialed) {
              caller.Dialed(std::move(dialed));
            });
  caller.loop.Run();
  return 0;
}

}  // namespace
}  // namespace mk8s

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string("serve")) return mk8s::Serve();
  if (argc == 6 && argv[1] == std::string("call")) return mk8s::Call(argv + 2);
  std::fputs("usage: grpc_interop serve | call ADDRESS PATH DEADLINE_MS CANCEL_AFTER\n", stderr);
  return 2;
}

// A PostgreSQL server of the test's own: a cluster in a temporary folder, a Unix socket only, gone
// with the object.  As root it runs as the user postgres, since the server refuses root.
#pragma once

#include <libpq-fe.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace mk8s::store {

class PrivatePostgres {
 public:
  PrivatePostgres() {
    char name[] = "/tmp/mk8s-pg-XXXXXX";
    folder_ = ::mkdtemp(name);
    if (const passwd* user = geteuid() == 0 ? ::getpwnam("postgres") : nullptr) {
      uid_ = user->pw_uid;
      gid_ = user->pw_gid;
      if (::chown(folder_.c_str(), uid_, gid_) != 0) std::abort();
    }
    Wait(Spawn({"initdb", "-D", Data(), "-A", "trust", "-U", "mk8s", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync"}));
    Start();
  }
  ~PrivatePostgres() {
    Stop();
    std::filesystem::remove_all(folder_);
  }

  void Start() {
    server_ = Spawn(
        {"postgres", "-D", Data(), "-k", folder_, "-c", "listen_addresses=", "-c", "fsync=off"});
    const std::string url = Url("postgres");
    for (int tries = 0; tries < 300 && PQping(url.c_str()) != PQPING_OK; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  /// Cuts every connection, as an operator's restart does.
  void Stop() {
    ::kill(server_, SIGINT);
    Wait(server_);
  }

  /// A new, empty database; its URL.
  std::string NewDatabase() {
    const std::string name = "d" + std::to_string(++databases_);
    PGconn* connection = PQconnectdb(Url("postgres").c_str());
    PQclear(PQexec(connection, ("CREATE DATABASE " + name).c_str()));
    PQfinish(connection);
    return Url(name);
  }

 private:
  std::string Data() const { return folder_ + "/data"; }
  std::string Url(const std::string& database) const {
    return "host=" + folder_ + " user=mk8s dbname=" + database;
  }

  pid_t Spawn(const std::vector<std::string>& words) {
    const char* given = std::getenv("POSTGRES_BIN_DIR");
    const std::string program =
        std::string(given ? given : "/usr/lib/postgresql/15/bin") + "/" + words[0];
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      if (uid_ != 0 && (::setgid(gid_) != 0 || ::setuid(uid_) != 0)) ::_exit(126);
      const std::string log = folder_ + "/" + words[0] + ".log";
      if (!std::freopen(log.c_str(), "a", stdout) || !std::freopen(log.c_str(), "a", stderr)) {
        ::_exit(126);
      }
      ::execv(program.c_str(), arguments.data());
      ::_exit(127);
    }
    return child;
  }
  static void Wait(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
  }

  std::string folder_;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
  pid_t server_ = -1;
  int databases_ = 0;
};

}  // namespace mk8s::store

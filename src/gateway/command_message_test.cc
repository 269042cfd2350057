// What the agent encodes for a command central decodes to the same, without credentials.
#include "gateway/command_message.h"

#include <gtest/gtest.h>

#include "gateway/tunnel_message.h"

namespace mk8s::gateway {
namespace {

TEST(CommandMessage, CrossesUnchanged) {
  for (const auto& [method, protocol] :
       {std::pair("GET", ""), std::pair("DELETE", ""), std::pair("GET", "websocket"),
        std::pair("POST", "SPDY/3.1")}) {
    CommandsRequest request{.command_id = "c0ffee"};
    request.head = {.method = method,
                    .authority = "central",
                    .target = "/api/v1/pods?limit=5",
                    .protocol = protocol,
                    .fields = {{"accept", "*/*"}, {"impersonate-user", "bob"}}};
    http::RequestHead with_credential = request.head;
    with_credential.fields.Add("authorization", "Bearer one-time");
    with_credential.fields.Add(kCommandIdField, "another");
    const http::RequestHead wire = EncodeForCentral({with_credential, request.command_id});
    EXPECT_EQ(wire.method, request.head.protocol.empty() ? request.head.method : "CONNECT");
    EXPECT_EQ(wire.fields.Get("authorization"), "");
    ASSERT_TRUE(IsCommandsRequest(wire));
    const auto decoded = DecodeForCentral(wire);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->command_id, request.command_id);
    EXPECT_EQ(decoded->head.method, request.head.method);
    EXPECT_EQ(decoded->head.target, request.head.target);
    EXPECT_EQ(decoded->head.protocol, request.head.protocol);
    EXPECT_EQ(decoded->head.fields, request.head.fields);
  }
  EXPECT_FALSE(
      IsCommandsRequest({.method = "POST", .fields = {{"content-type", "application/grpc"}}}));
}

TEST(CommandMessage, RefusesWhatTheAgentNeverSends) {
  struct Row {
    std::string name;
    http::RequestHead head;
  };
  const http::Field id{std::string(kCommandIdField), "c"};
  const std::string method(kMethodField);
  const Row rows[] = {
      {"two ids", {.method = "GET", .fields = {id, id}}},
      {"an empty id", {.method = "GET", .fields = {{id.name, ""}}}},
      {"a long id", {.method = "GET", .fields = {{id.name, std::string(65, 'c')}}}},
      {"CONNECT alone", {.method = "CONNECT", .fields = {id, {method, "GET"}}}},
      {"a protocol without CONNECT", {.method = "GET", .protocol = "websocket", .fields = {id}}},
      {"no method", {.method = "CONNECT", .protocol = "websocket", .fields = {id}}},
      {"another method",
       {.method = "CONNECT", .protocol = "websocket", .fields = {id, {method, "PUT"}}}},
      {"a method of no upgrade", {.method = "GET", .fields = {id, {method, "POST"}}}},
  };
  for (const Row& row : rows) {
    const auto decoded = DecodeForCentral(row.head);
    ASSERT_FALSE(decoded) << row.name;
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument) << row.name;
  }
}

}  // namespace
}  // namespace mk8s::gateway

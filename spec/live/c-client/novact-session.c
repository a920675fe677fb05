/*
 * A client of novact in C, with the NATS C library and nothing else: written from protocol/README.md, it shares no code
 * with the product. It creates an instance in JSON, sees its events, reads its console log, stops and deletes it, and
 * provokes one error. Every step prints one line; the exit code is 0 only when all of them came out as documented.
 *
 *   cc novact-session.c -o novact-session -lnats
 *   ./novact-session <url> <cell> <project> <flavor> <image>
 */
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 65536
#define WAIT_MS 60000

static natsConnection *connection;
static char prefix[256];

static void fail(const char *step, const char *why) {
    printf("FAILED %s: %s\n", step, why);
    exit(1);
}

static void check(natsStatus status, const char *step) {
    if (status != NATS_OK) fail(step, natsStatus_GetText(status));
}

/* The text value of the first field of that name; enough for a session like this, a real client has a JSON library. */
static int field(const char *json, const char *name, char *value, size_t size) {
    char key[128];
    snprintf(key, sizeof key, "\"%s\":\"", name);
    const char *from = strstr(json, key);
    if (from == NULL) return 0;
    from += strlen(key);
    const char *end = strchr(from, '"');
    if (end == NULL || (size_t)(end - from) >= size) return 0;
    memcpy(value, from, end - from);
    value[end - from] = '\0';
    return 1;
}

/* Asks, with a request id and a deadline; answers the reason of an error, or an empty text. */
static const char *ask(const char *method, const char *body, char *answer) {
    static char reason[128];
    static int asked = 0;
    char subject[1024], requestId[64];
    natsMsg *question = NULL, *reply = NULL;
    const char *found = NULL;

    snprintf(subject, sizeof subject, "%s.%s", prefix, method);
    snprintf(requestId, sizeof requestId, "c-client-%d-%d", (int)getpid(), ++asked);
    check(natsMsg_Create(&question, subject, NULL, body, (int)strlen(body)), method);
    check(natsMsgHeader_Set(question, "Novact-Request-Id", requestId), method);
    check(natsMsgHeader_Set(question, "Novact-Timeout-Ms", "60000"), method);
    check(natsConnection_RequestMsg(&reply, connection, question, WAIT_MS + 250), method);

    int length = natsMsg_GetDataLength(reply);
    if (length >= TEXT_MAX) length = TEXT_MAX - 1;
    memcpy(answer, natsMsg_GetData(reply), length);
    answer[length] = '\0';
    reason[0] = '\0';
    if (natsMsgHeader_Get(reply, "Novact-Reason", &found) == NATS_OK)
        snprintf(reason, sizeof reason, "%s", found);
    natsMsg_Destroy(question);
    natsMsg_Destroy(reply);
    return reason;
}

static void expect(const char *step, const char *reason, const char *wanted, const char *answer) {
    if (strcmp(reason, wanted) != 0) fail(step, answer);
    printf("%s: %s\n", step, wanted[0] == '\0' ? "ok" : wanted);
}

/* Reads events until one of that name about the instance has come. */
static void await_event(natsSubscription *events, const char *id, const char *name) {
    char wanted[256];
    snprintf(wanted, sizeof wanted, ".instance.%s.%s", id, name);
    for (int seen = 0; seen < 1000; seen++) {
        natsMsg *event = NULL;
        check(natsSubscription_NextMsg(&event, events, WAIT_MS), name);
        int found = strstr(natsMsg_GetSubject(event), wanted) != NULL;
        natsMsg_Destroy(event);
        if (found) {
            printf("event %s: ok\n", name);
            return;
        }
    }
    fail("event", name);
}

int main(int count, char **arguments) {
    static char answer[TEXT_MAX], body[1024], method[512], id[128], state[64];
    natsSubscription *events = NULL;
    if (count != 6) fail("usage", "novact-session <url> <cell> <project> <flavor> <image>");

    check(natsConnection_ConnectTo(&connection, arguments[1]), "connect");
    snprintf(prefix, sizeof prefix, "novact.v1.%s.cmd.%s", arguments[2], arguments[3]);
    snprintf(method, sizeof method, "novact.v1.%s.evt.%s.>", arguments[2], arguments[3]);
    check(natsConnection_SubscribeSync(&events, connection, method), "subscribe");
    check(natsConnection_Flush(connection), "flush");

    expect("unknown flavor", ask("instance.create", "{\"name\":\"c\",\"flavor\":\"none\",\"image\":\"none\"}", answer),
           "unknownFlavor", answer);
    snprintf(body, sizeof body, "{\"name\":\"from-c\",\"flavor\":\"%s\",\"image\":\"%s\",\"wait\":true}", arguments[4],
             arguments[5]);
    expect("create", ask("instance.create", body, answer), "", answer);
    if (!field(answer, "id", id, sizeof id)) fail("create", answer);
    if (!field(answer, "state", state, sizeof state) || strcmp(state, "running") != 0) fail("running", answer);
    await_event(events, id, "accepted");
    await_event(events, id, "operationEnded");

    snprintf(method, sizeof method, "instance.%s.console", id);
    for (int tries = 0;; tries++) {
        const char *reason = ask(method, "{\"waitMs\":1000}", answer);
        if (strcmp(reason, "consoleUnavailable") == 0 && tries < 50) continue;
        expect("console", reason, "", answer);
        break;
    }
    if (strstr(answer, "\"nextOffset\":") == NULL) fail("console", answer);

    snprintf(method, sizeof method, "instance.%s.stop", id);
    expect("stop", ask(method, "{\"mode\":\"hard\",\"wait\":true}", answer), "", answer);
    snprintf(method, sizeof method, "instance.%s.delete", id);
    expect("delete", ask(method, "{\"wait\":true}", answer), "", answer);
    await_event(events, id, "deleted");

    natsSubscription_Destroy(events);
    natsConnection_Destroy(connection);
    nats_Close();
    printf("all of it came out as documented\n");
    return 0;
}

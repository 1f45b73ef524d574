//! Redirects are followed within the origin, and nowhere else.

use rowfeed_client::CallErrorKind;

use crate::{
    server::{Reply, Server},
    setup::{build, client, page, sql, transport},
};

fn redirect(status: &str, location: &str) -> Reply {
    Reply::new(status, &[("location", location)], "")
}

#[tokio::test]
async fn another_origin_gets_nothing() {
    let other = Server::start([page("[]")]).await;
    let location = format!("{}/login?token=hunter3", other.url);
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temp",
        "308 Perm",
    ] {
        let server = Server::start([redirect(status, &location)]).await;
        let result = client(&server).get_page().query_id("1").send().await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (CallErrorKind::Redirect, 1)
        );
        assert_eq!(error.status().unwrap().as_str(), &status[..3]);
        let shown = error.to_string();
        let target = format!(
            "the redirect to {}/login, which is another origin",
            other.url
        );
        assert!(shown.contains(&target), "{shown}");
        assert!(
            !shown.contains("hunter") && !error.is_retryable(),
            "{shown}"
        );
    }
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn a_policy_of_the_user_does_not_send_the_credential_away() {
    let other = Server::start([page("[]")]).await;
    let server = Server::start([redirect("302 Found", &other.url)]).await;
    let transport =
        transport(&server.url).http(|http| http.redirect(reqwest::redirect::Policy::limited(10)));
    let error = build(transport).get_page().query_id("1").send().await;
    assert_eq!(error.unwrap_err().kind(), CallErrorKind::Redirect);
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn the_same_origin_is_followed_with_the_credential() {
    let server = Server::start([
        redirect("301 Moved Permanently", "/moved?limit=2"),
        redirect("307 Temporary Redirect", "there"),
        page("[1]"),
    ])
    .await;
    let page = client(&server)
        .get_page()
        .query_id("1")
        .send()
        .await
        .unwrap();
    assert_eq!(page.attempts(), 1);
    let seen = server.seen();
    assert_eq!(seen[1].line, "GET /moved?limit=2 HTTP/1.1");
    assert_eq!(seen[2].line, "GET /there HTTP/1.1");
    for seen in seen {
        assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
        assert_eq!(seen.header("referer"), None);
    }
}

#[tokio::test]
async fn a_redirect_loop_ends_after_five() {
    let server = Server::start([redirect("302 Found", "/again")]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), server.count()), (CallErrorKind::Redirect, 6));
    assert!(
        error
            .to_string()
            .contains("/again, after 5 redirects already"),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_is_not_redirected() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let server = Server::start([redirect(status, "/v1/elsewhere")]).await;
        let error = client(&server).run().body(sql()).send().await.unwrap_err();
        assert_eq!(
            (error.kind(), server.count(), error.attempts()),
            (CallErrorKind::Redirect, 1, 1)
        );
        let why = match status.as_bytes()[2] {
            b'7' | b'8' => "would send a call again that may have been carried out",
            _ => "would turn the call into a GET",
        };
        let shown = error.to_string();
        let target = format!("the redirect to {}/v1/elsewhere, which {why}", server.url);
        assert!(shown.contains(&target), "{shown}");
    }
}

#[tokio::test]
async fn a_post_with_an_idempotency_key_keeps_its_method_its_body_and_its_key() {
    let run = Reply::json("200 OK", "{\"id\":\"7\"}");
    let server = Server::start([redirect("308 Permanent Redirect", "/v2/run"), run]).await;
    let call = client(&server).run().idempotency_key("once").body(sql());
    call.send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].line, "POST /v2/run HTTP/1.1");
    assert_eq!(seen[1].body, seen[0].body);
    assert_eq!(seen[1].header("idempotency-key"), Some("once"));

    // But not as a GET.
    let server = Server::start([redirect("303 See Other", "/v1/runs/7")]).await;
    let call = client(&server).run().idempotency_key("once").body(sql());
    let error = call.send().await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (CallErrorKind::Redirect, 1));
}

#[tokio::test]
async fn a_redirect_out_of_the_base_url_is_not_followed() {
    for location in [
        "/login",
        "/",
        "/apis/v1/query/1",
        "../../../../login",
        "/api/../v1",
    ] {
        let server =
            Server::start([redirect("307 Temporary Redirect", location), page("[]")]).await;
        let client = build(transport(&format!("{}/api", server.url)));
        let error = client.get_page().query_id("1").send().await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (CallErrorKind::Redirect, 1));
        let shown = error.to_string();
        let why = format!("which is outside the base URL {}/api;", server.url);
        assert!(shown.contains(&why), "{location}: {shown}");
    }
    let below = redirect("307 Temporary Redirect", "/api/v2/query/1?limit=2");
    let server = Server::start([below, page("[]")]).await;
    let client = build(transport(&format!("{}/api", server.url)));
    client.get_page().query_id("1").send().await.unwrap();
    assert_eq!(
        server.seen()[1].line,
        "GET /api/v2/query/1?limit=2 HTTP/1.1"
    );
}

#[tokio::test]
async fn a_3xx_without_a_target_is_a_response() {
    let server = Server::start([Reply::new("302 Found", &[], "look elsewhere")]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Api);
    assert_eq!(error.body(), b"look elsewhere");
}

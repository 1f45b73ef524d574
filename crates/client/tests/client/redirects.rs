//! Redirects are followed within the origin, and nowhere else.

use rowfeed_client::ErrorKind;

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
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Redirect, 1));
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
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Redirect);
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
async fn a_circle_ends_after_five() {
    let server = Server::start([redirect("302 Found", "/again")]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Redirect, 6));
    assert!(
        error
            .to_string()
            .contains("/again, after 5 redirects already"),
        "{error}"
    );
}

#[tokio::test]
async fn a_post_keeps_its_method_and_body_or_is_not_followed() {
    let run = Reply::json("200 OK", "{\"id\":\"7\"}");
    let server = Server::start([redirect("308 Permanent Redirect", "/v2/run"), run]).await;
    client(&server).run().body(sql()).send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].line, "POST /v2/run HTTP/1.1");
    assert_eq!(seen[1].body, seen[0].body);

    for status in ["301 Moved Permanently", "302 Found", "303 See Other"] {
        let server = Server::start([redirect(status, "/login")]).await;
        let error = client(&server).run().body(sql()).send().await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::Redirect, 1));
        assert!(
            error.to_string().contains("turn the call into a GET"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_3xx_that_leads_nowhere_is_an_answer() {
    let server = Server::start([Reply::new("302 Found", &[], "look elsewhere")]).await;
    let result = client(&server).get_page().query_id("1").send().await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Api);
    assert_eq!(error.body(), b"look elsewhere");
}

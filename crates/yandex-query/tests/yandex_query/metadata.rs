//! Tokens from the metadata service of a machine.

use std::{process::Command, sync::Arc, time::Duration};

use rowfeed_sandbox::{Fault, Sandbox, YANDEX_PROJECT};
use rowfeed_yandex_query::{CallErrorKind, Client, MetadataCredential, RetryPolicy};

use crate::support::Wire;

fn client(sandbox: &Sandbox, credential: MetadataCredential) -> Client {
    Client::builder()
        .base_url(sandbox.yandex_query_url())
        .credential_provider(Arc::new(credential))
        .retry(RetryPolicy::none())
        .build()
        .unwrap()
}

async fn create(client: &Client) -> Result<u32, rowfeed_yandex_query::CallError> {
    let create = client.create_query().project(YANDEX_PROJECT);
    let answer = create.body("select 1").send().await?;
    Ok(answer.attempts())
}

fn asked(sandbox: &Sandbox) -> usize {
    let requests = sandbox.requests();
    let asked = requests
        .iter()
        .filter(|r| r.path.contains("computeMetadata"));
    asked.count()
}

#[tokio::test]
async fn one_request_gives_the_token_of_many_calls() {
    let sandbox = Sandbox::start().await.unwrap();
    let url = format!("http://{}", sandbox.yandex_metadata_address());
    let client = client(&sandbox, MetadataCredential::at(&url).unwrap());
    assert_eq!(asked(&sandbox), 0, "nothing before the first call");
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { create(&client).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 1);
    }
    assert_eq!(asked(&sandbox), 1);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let url = format!("http://{}", sandbox.yandex_metadata_address());
    let client = client(&sandbox, MetadataCredential::at(&url).unwrap());
    sandbox.fault(Fault::status(401).path("/queries").times(1));
    assert_eq!(create(&client).await.unwrap(), 2);
    assert_eq!(asked(&sandbox), 2);
}

#[tokio::test]
async fn an_expired_token_is_replaced_before_it_is_sent() {
    let short = Sandbox::builder().yandex_token_lifetime(Duration::from_secs(1));
    let sandbox = short.start().await.unwrap();
    let url = format!("http://{}", sandbox.yandex_metadata_address());
    let client = client(&sandbox, MetadataCredential::at(&url).unwrap());
    for _ in 0..3 {
        assert_eq!(create(&client).await.unwrap(), 1);
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(asked(&sandbox), 3);
    assert!(sandbox.requests().iter().all(|r| r.status == Some(200)));
}

#[tokio::test]
async fn failures_of_the_metadata_service_are_retried_and_then_reported() {
    let sandbox = Sandbox::start().await.unwrap();
    let url = format!("http://{}/", sandbox.yandex_metadata_address());
    let credential = || MetadataCredential::at(&url).unwrap();
    sandbox.fault(Fault::status(503).path("computeMetadata").times(2));
    assert_eq!(create(&client(&sandbox, credential())).await.unwrap(), 1);
    assert_eq!(asked(&sandbox), 3);

    for (fault, why) in [
        (Fault::status(404), "responded with 404 Not Found"),
        (
            Fault::answer(200, "application/json", "{\"token\":\"hunter2\"}"),
            "no access_token and expires_in",
        ),
        (
            Fault::answer(200, "text/plain", vec![b'a'; 100_000]),
            "more than 65536 bytes",
        ),
        (
            Fault::status(302).header("Location", sandbox.dune_url()),
            "responded with 302 Found",
        ),
    ] {
        sandbox.take_requests();
        sandbox.fault(fault.path("computeMetadata"));
        let error = create(&client(&sandbox, credential())).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Credential);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("could not be refreshed"), "{shown}");
        assert!(shown.contains(why) && !shown.contains("hunter2"), "{shown}");
        assert_eq!(sandbox.requests().len(), 1, "{why}");
    }
}

#[tokio::test]
async fn a_missing_metadata_service_is_reported() {
    let sandbox = Sandbox::start().await.unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let credential = MetadataCredential::at(&url).unwrap();
    let error = create(&client(&sandbox, credential)).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Credential);
    let said = error.to_string();
    assert!(
        said.contains("the metadata service cannot be reached"),
        "{said}"
    );
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn the_metadata_request_has_path_and_flavor_header() {
    let wire = Wire::start();
    let sandbox = Sandbox::start().await.unwrap();
    let credential = MetadataCredential::at(&wire.url).unwrap();
    create(&client(&sandbox, credential)).await.unwrap_err();
    let head = wire.head();
    let path = "GET /computeMetadata/v1/instance/service-accounts/default/token HTTP/1.1";
    assert!(head.starts_with(path), "{head}");
    assert!(head.contains("metadata-flavor: Google"), "{head}");
}

#[tokio::test]
#[ignore = "run by another test, in a process of its own"]
async fn what_the_environment_gives() {
    match MetadataCredential::from_env() {
        Ok(credential) => {
            let url = std::env::var("YANDEX_QUERY_URL").unwrap();
            let client = Client::builder().base_url(url);
            let client = client.credential_provider(Arc::new(credential));
            println!(
                "responded with {:?}",
                create(&client.build().unwrap()).await.is_ok()
            );
        }
        Err(error) => println!("refused: {error}"),
    }
}

#[test]
fn the_address_may_come_from_the_environment() {
    let sandbox = Sandbox::start_blocking().unwrap();
    let said = |address: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "metadata::what_the_environment_gives"])
            .args(["--ignored", "--nocapture"])
            .env("YC_METADATA_ADDR", address)
            .env("YANDEX_QUERY_URL", sandbox.yandex_query_url())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let address = sandbox.yandex_metadata_address();
    assert!(said(&address).contains("responded with true"));
    assert!(said(&format!("http://{address}")).contains("responded with true"));
    assert_eq!(asked(&sandbox), 2);
    let wrong = said("user:hunter2@host");
    assert!(
        wrong.contains("refused: ") && wrong.contains("user name or password"),
        "{wrong}"
    );
    assert!(!wrong.contains("hunter2"), "{wrong}");
}

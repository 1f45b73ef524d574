//! Other services of Yandex Cloud: the IAM service, which issues tokens, and the metadata service
//! of a virtual machine.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::credentials::{YANDEX_IAM_TOKEN, YANDEX_OAUTH_TOKEN, YANDEX_PROJECT};
use crate::exchange::{Answer, Request};
use crate::world::World;

pub(crate) const YANDEX_IAM_PATH: &str = "/iam/v1/tokens";

/// The audience that a signed token must name.
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// The longest lifetime of a signed token, in seconds.
const LONGEST_JWT: i64 = 3_600;

/// The gRPC codes for an invalid argument and for a refused credential.
const INVALID_ARGUMENT: i32 = 3;
const UNAUTHENTICATED: i32 = 16;

pub(crate) fn is_here(request: &Request) -> bool {
    request.full_path == YANDEX_IAM_PATH || request.full_path.starts_with("/computeMetadata/")
}

pub(crate) fn answer(world: &World, request: &Request) -> Answer {
    match (request.method.as_str(), request.full_path.as_str()) {
        ("POST", YANDEX_IAM_PATH) => iam_token(world, request),
        ("GET", path) if path != YANDEX_IAM_PATH => metadata(world, request, path),
        _ => Answer::empty(404),
    }
}

/// Issues a new token with the configured lifetime.
fn iam_token(world: &World, request: &Request) -> Answer {
    let body = request.json().unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let checked = match (text("jwt"), text("yandexPassportOauthToken")) {
        (Some(jwt), _) => check_jwt(jwt, Timestamp::now()),
        (None, Some(YANDEX_OAUTH_TOKEN)) => Ok(()),
        (None, Some(_)) => Err((UNAUTHENTICATED, "OAuth token is invalid or expired")),
        (None, None) => Err((
            INVALID_ARGUMENT,
            "one of jwt and yandexPassportOauthToken is required",
        )),
    };
    match checked {
        Ok(()) => {
            let (token, expires_at) = world.tokens.issue(world.options.yandex_token_lifetime);
            Answer::json(
                200,
                &json!({ "iamToken": token, "expiresAt": expires_at.to_string() }),
            )
        }
        Err((code, message)) => {
            let status = if code == UNAUTHENTICATED { 401 } else { 400 };
            Answer::json(
                status,
                &json!({ "code": code, "message": message, "details": [] }),
            )
        }
    }
}

/// Checks the header and the claims of a signed token. The signature is not verified, because the
/// sandbox has no keys.
fn check_jwt(jwt: &str, now: Timestamp) -> Result<(), (i32, &'static str)> {
    let mut parts = jwt.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err((
            INVALID_ARGUMENT,
            "JWT is malformed: it must have three parts",
        ));
    };
    let (Some(header), Some(claims)) = (part(header), part(claims)) else {
        return Err((INVALID_ARGUMENT, "JWT is malformed: a part is not JSON"));
    };
    if header["alg"] != "PS256" || !header["kid"].is_string() {
        return Err((UNAUTHENTICATED, "JWT header must have alg PS256 and a kid"));
    }
    if signature.is_empty() {
        return Err((UNAUTHENTICATED, "JWT has no signature"));
    }
    if !claims["iss"].is_string() || claims["aud"] != AUDIENCE {
        return Err((
            UNAUTHENTICATED,
            "JWT claims must have iss and the audience of the IAM service",
        ));
    }
    let (Some(issued), Some(expires)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else {
        return Err((UNAUTHENTICATED, "JWT claims must have iat and exp"));
    };
    if expires - issued > LONGEST_JWT {
        return Err((UNAUTHENTICATED, "JWT lives longer than an hour"));
    }
    if expires <= now.as_second() {
        return Err((UNAUTHENTICATED, "JWT is expired"));
    }
    Ok(())
}

fn part(text: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn metadata(world: &World, request: &Request, path: &str) -> Answer {
    if request.header("metadata-flavor") != Some("Google") {
        return Answer::text(403, "Missing Metadata-Flavor:Google header.\n");
    }
    match path.trim_end_matches('/') {
        "/computeMetadata/v1/instance/service-accounts/default/token" => {
            let lifetime = world.options.yandex_token_lifetime;
            let (token, _) = world.tokens.issue(lifetime);
            Answer::json(
                200,
                &json!({
                    "access_token": token,
                    "expires_in": lifetime.as_secs(),
                    "token_type": "Bearer",
                }),
            )
        }
        "/computeMetadata/v1/instance/vendor" if request.query("recursive") == Some("true") => {
            Answer::json(200, &json!({ "folderId": YANDEX_PROJECT }))
        }
        "/computeMetadata/v1/instance/vendor/folder-id" => Answer::text(200, YANDEX_PROJECT),
        _ => Answer::empty(404),
    }
}

/// The number of valid tokens; the oldest is removed first.
const MOST_TOKENS: usize = 10_000;

/// The tokens that were issued.
#[derive(Debug, Default)]
pub(crate) struct Tokens(std::sync::Mutex<Vec<(String, Timestamp)>>);

impl Tokens {
    fn issue(&self, lifetime: std::time::Duration) -> (String, Timestamp) {
        let lifetime = SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX);
        let expires_at = Timestamp::now()
            .checked_add(lifetime)
            .unwrap_or(Timestamp::MAX);
        let token = format!("t1.{}", crate::ids::uuid());
        let lock = self.0.lock();
        let mut tokens = lock.unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.retain(|(_, expires_at)| Timestamp::now() < *expires_at);
        if tokens.len() >= MOST_TOKENS {
            tokens.remove(0);
        }
        tokens.push((token.clone(), expires_at));
        (token, expires_at)
    }

    /// Returns whether a token is valid: the built-in token, or an issued token that has not
    /// expired.
    pub(crate) fn accept(&self, token: &str) -> bool {
        let lock = self.0.lock();
        let tokens = lock.unwrap_or_else(std::sync::PoisonError::into_inner);
        token == YANDEX_IAM_TOKEN
            || tokens
                .iter()
                .any(|(known, expires_at)| known == token && Timestamp::now() < *expires_at)
    }
}

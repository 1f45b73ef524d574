//! Credentials that a client must send, and the ids of the built-in data.

use hyper::HeaderMap;

use crate::service::Service;

/// The key that Dune accepts, in `X-Dune-Api-Key` or as `?api_key=`.
pub const DUNE_API_KEY: &str = "sandbox-dune-key-7d1c2f";
/// A saved Dune query without parameters. It has one execution from the start, so its latest result
/// is available: every row of `trades`, in order.
pub const DUNE_QUERY_ID: i64 = 4_132_025;
/// A saved Dune query with the parameters `project` (text) and `min_usd` (number). It has no
/// execution at the start.
pub const DUNE_PARAMETERIZED_QUERY_ID: i64 = 4_132_026;
/// The personal access token that Lightdash accepts as `Authorization: ApiKey …`.
pub const LIGHTDASH_TOKEN: &str = "ldpat_5a0db0c9e1f24c7f8b36";
/// The service account token that Lightdash accepts as `Authorization: Bearer …`. It belongs to
/// another account, which cannot read the queries of [`LIGHTDASH_TOKEN`].
pub const LIGHTDASH_SERVICE_TOKEN: &str = "ldsvc_91be07d4a3c85f62e7d0";
/// The personal access token of a Lightdash user who may run charts and metric queries, but not
/// SQL. Lightdash answers SQL queries of this user with 403.
pub const LIGHTDASH_VIEWER_TOKEN: &str = "ldpat_c3e7b1d95f0846a2b7e4";
/// The only Lightdash project.
pub const LIGHTDASH_PROJECT_UUID: &str = "6c1f8a52-3b7e-4d0a-9c45-2e8f1a6b7d90";
/// The IAM token that Yandex Query accepts as `Authorization: Bearer …`.
pub const YANDEX_IAM_TOKEN: &str = "t1.sandbox-iam-token.c2FuZGJveA";
/// An IAM token of another subject, which cannot read the queries of [`YANDEX_IAM_TOKEN`].
pub const YANDEX_OTHER_IAM_TOKEN: &str = "t1.sandbox-other-subject.b3RoZXI";
/// A valid IAM token of a subject without a role in [`YANDEX_PROJECT`]. Yandex Query answers every
/// call with 403.
pub const YANDEX_IAM_TOKEN_WITHOUT_ROLE: &str = "t1.sandbox-no-role.bm8tcm9sZQ";
/// The only Yandex Cloud folder, for the query parameter `project`.
pub const YANDEX_PROJECT: &str = "b1gsandbox0folder001";
/// The OAuth token that the IAM service of Yandex Cloud exchanges for an IAM token.
pub const YANDEX_OAUTH_TOKEN: &str = "y0_sandbox-oauth-token";

/// Whether a request carries something that looks like a credential of its service. The service
/// itself checks more closely.
pub(crate) fn is_known(service: Service, query: &str, headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header("authorization").unwrap_or_default();
    match service {
        Service::Dune => {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            header("x-dune-api-key") == Some(DUNE_API_KEY)
                || pairs.any(|(name, value)| name == "api_key" && value == DUNE_API_KEY)
        }
        Service::Lightdash => {
            let key = authorization.strip_prefix("ApiKey ");
            key.is_some_and(|key| [LIGHTDASH_TOKEN, LIGHTDASH_VIEWER_TOKEN].contains(&key))
                || authorization.strip_prefix("Bearer ") == Some(LIGHTDASH_SERVICE_TOKEN)
        }
        // tokens that the IAM service issued have the same prefix
        Service::YandexQuery => authorization.starts_with("Bearer t1."),
    }
}

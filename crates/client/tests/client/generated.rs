//! A small client in the shape that the code generator writes.

#![allow(dead_code, unused_imports)]

use rowfeed_client::codegen as progenitor_client;

pub use progenitor_client::{ByteStream, CallError, ClientInfo, ResponseValue};
use progenitor_client::{ClientHooks, OperationInfo, RequestBuilderExt, encode_path};

pub mod types {
    rowfeed_client::open_enum! {
        /// The state of a run.
        pub enum RunState {
            /// Not over.
            Running = "RUNNING",
            /// Over.
            Completed = "COMPLETED",
        }
    }

    #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
    pub struct ErrorResponse {
        pub error: String,
    }

    impl rowfeed_client::ServiceError for ErrorResponse {
        fn message(&self) -> Option<String> {
            Some(self.error.clone())
        }
    }

    #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
    pub struct Page {
        pub state: RunState,
        #[serde(default)]
        pub next: Option<u64>,
        pub result: PageResult,
    }

    #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
    pub struct PageResult {
        #[serde(default)]
        pub rows: rowfeed_client::RawRows,
    }

    #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
    pub struct RunRequest {
        pub sql: String,
    }

    #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
    pub struct RunResponse {
        pub id: String,
    }
}

#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: progenitor_client::Core,
}

impl Client {
    pub(crate) fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: progenitor_client::Core,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }

    pub fn get_page(&self) -> builder::GetPage {
        builder::GetPage::new(self)
    }

    pub fn get_csv(&self) -> builder::GetCsv {
        builder::GetCsv::new(self)
    }

    pub fn run(&self) -> builder::Run {
        builder::Run::new(self)
    }

    pub fn cancel(&self) -> builder::Cancel {
        builder::Cancel::new(self)
    }

    pub fn upload(&self) -> builder::Upload {
        builder::Upload::new(self)
    }
}

impl ClientInfo<progenitor_client::Core> for Client {
    fn api_version() -> &'static str {
        "1.0.0"
    }

    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }

    fn client(&self) -> &reqwest::Client {
        &self.client
    }

    fn inner(&self) -> &progenitor_client::Core {
        &self.inner
    }
}

impl ClientHooks<progenitor_client::Core> for Client {}

pub mod builder {
    use super::{
        ByteStream, CallError, Client, ClientHooks, ClientInfo, OperationInfo, RequestBuilderExt,
        ResponseValue, encode_path, progenitor_client, types,
    };

    /// `GET` with path and query parameters, JSON back.
    #[derive(Clone, Debug)]
    pub struct GetPage {
        client: Client,
        query_id: Result<String, String>,
        limit: Result<Option<i64>, String>,
        state: Result<Option<types::RunState>, String>,
    }

    impl GetPage {
        pub fn new(client: &Client) -> Self {
            Self {
                client: client.clone(),
                query_id: Err("query_id was not initialized".to_string()),
                limit: Ok(None),
                state: Ok(None),
            }
        }

        pub fn query_id<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<String>,
        {
            self.query_id = value
                .try_into()
                .map_err(|_| "conversion to `String` for query_id failed".to_string());
            self
        }

        pub fn limit<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<i64>,
        {
            self.limit = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `i64` for limit failed".to_string());
            self
        }

        pub fn state<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::RunState>,
        {
            self.state = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `RunState` for state failed".to_string());
            self
        }

        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::Page>, CallError<types::ErrorResponse>> {
            let Self {
                client,
                query_id,
                limit,
                state,
            } = self;
            let query_id = query_id.map_err(CallError::invalid_request)?;
            let limit = limit.map_err(CallError::invalid_request)?;
            let state = state.map_err(CallError::invalid_request)?;
            let url = format!(
                "{}/v1/query/{}/results",
                client.baseurl,
                encode_path("query_id", &query_id.to_string())?,
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map.append(
                ::reqwest::header::HeaderName::from_static("api-version"),
                ::reqwest::header::HeaderValue::from_static(Client::api_version()),
            );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .get(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .query(&progenitor_client::QueryParam::new("limit", &limit))
                .query(&progenitor_client::QueryParam::new("state", &state))
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "get_page",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16..=499u16 => Err(CallError::error_response(
                    ResponseValue::from_response(response).await?,
                )),
                500u16..=599u16 => Err(CallError::error_response(
                    ResponseValue::from_response(response).await?,
                )),
                _ => Err(CallError::unexpected_response(response)),
            }
        }
    }

    /// `GET`, raw text back.
    #[derive(Clone, Debug)]
    pub struct GetCsv {
        client: Client,
    }

    impl GetCsv {
        pub fn new(client: &Client) -> Self {
            Self {
                client: client.clone(),
            }
        }

        pub async fn send(
            self,
        ) -> Result<ResponseValue<ByteStream>, CallError<types::ErrorResponse>> {
            let Self { client } = self;
            let url = format!("{}/v1/csv", client.baseurl);
            let header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            let mut request = client.client.get(url).headers(header_map).build()?;
            let info = OperationInfo {
                operation_id: "get_csv",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => Ok(ResponseValue::stream(response)),
                400u16..=499u16 => Err(CallError::error_response(
                    ResponseValue::from_response(response).await?,
                )),
                _ => Err(CallError::unexpected_response(response)),
            }
        }
    }

    /// `POST` with a JSON body and a header parameter.
    #[derive(Clone, Debug)]
    pub struct Run {
        client: Client,
        idempotency_key: Result<Option<String>, String>,
        body: Result<types::RunRequest, String>,
    }

    impl Run {
        pub fn new(client: &Client) -> Self {
            Self {
                client: client.clone(),
                idempotency_key: Ok(None),
                body: Err("body was not initialized".to_string()),
            }
        }

        pub fn idempotency_key<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<String>,
        {
            self.idempotency_key = value
                .try_into()
                .map(Some)
                .map_err(|_| "conversion to `String` for idempotency_key failed".to_string());
            self
        }

        pub fn body(mut self, value: types::RunRequest) -> Self {
            self.body = Ok(value);
            self
        }

        /// Sends the call under another operation id.
        pub async fn send_as(
            self,
            operation_id: &'static str,
        ) -> Result<ResponseValue<types::RunResponse>, CallError<types::ErrorResponse>> {
            let Self {
                client,
                idempotency_key,
                body,
            } = self;
            let idempotency_key = idempotency_key.map_err(CallError::invalid_request)?;
            let body = body.map_err(CallError::invalid_request)?;
            let url = format!("{}/v1/run", client.baseurl);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(2usize);
            if let Some(value) = idempotency_key {
                header_map.append("Idempotency-Key", value.to_string().try_into()?);
            }
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo { operation_id };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16..=499u16 => Err(CallError::error_response(
                    ResponseValue::from_response(response).await?,
                )),
                500u16..=599u16 => Err(CallError::error_response(
                    ResponseValue::from_response(response).await?,
                )),
                _ => Err(CallError::unexpected_response(response)),
            }
        }

        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::RunResponse>, CallError<types::ErrorResponse>> {
            self.send_as("run").await
        }
    }

    /// `POST` without a body, 204 back, no documented error body.
    #[derive(Clone, Debug)]
    pub struct Cancel {
        client: Client,
    }

    impl Cancel {
        pub fn new(client: &Client) -> Self {
            Self {
                client: client.clone(),
            }
        }

        pub async fn send(self) -> Result<ResponseValue<()>, CallError<()>> {
            let Self { client } = self;
            let url = format!("{}/v1/cancel", client.baseurl);
            let header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            let mut request = client.client.post(url).headers(header_map).build()?;
            let info = OperationInfo {
                operation_id: "cancel",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                204u16 => Ok(ResponseValue::empty(response)),
                400u16..=499u16 => Err(CallError::error_response(ResponseValue::empty(response))),
                _ => Err(CallError::unexpected_response(response)),
            }
        }
    }

    /// `POST` with a raw text body, raw error back.
    #[derive(Debug)]
    pub struct Upload {
        client: Client,
        body: Result<reqwest::Body, String>,
    }

    impl Upload {
        pub fn new(client: &Client) -> Self {
            Self {
                client: client.clone(),
                body: Err("body was not initialized".to_string()),
            }
        }

        pub fn body<B>(mut self, value: B) -> Self
        where
            B: std::convert::TryInto<reqwest::Body>,
        {
            self.body = value
                .try_into()
                .map_err(|_| "conversion to `reqwest::Body` for body failed".to_string());
            self
        }

        pub async fn send(
            self,
        ) -> Result<ResponseValue<types::RunResponse>, CallError<ByteStream>> {
            let Self { client, body } = self;
            let body = body.map_err(CallError::invalid_request)?;
            let url = format!("{}/v1/upload", client.baseurl);
            let header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::CONTENT_TYPE,
                    ::reqwest::header::HeaderValue::from_static("text/csv"),
                )
                .body(body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "upload",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16..=499u16 => Err(CallError::error_response(ResponseValue::stream(response))),
                _ => Err(CallError::unexpected_response(response)),
            }
        }
    }
}

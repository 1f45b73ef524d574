//! The shared setup of the examples in the documentation of `rowfeed` and of the crates that depend
//! on it: a sandbox and clients. Only the examples name the clients; this crate does not depend on
//! them.

/// Runs an example with a sandbox and the named values: `dune`, `lightdash` and `yandex` are
/// clients, `run` is a Dune run that returns all trades, `key` and `token` are credentials, and
/// `query_id`, `project` and `folder` identify the trades at each service. The traits of the
/// prelude are in scope.
///
/// By default runs end at the first poll; with `slow` they do not. `[…]` lists other builder calls
/// of the sandbox. `blocking` is for code without async.
#[doc(hidden)]
#[macro_export]
macro_rules! __example {
    (|$sandbox:ident $(, $name:ident)*| $body:block) => {
        $crate::__example!([poll_steps(0)] |$sandbox $(, $name)*| $body)
    };
    (slow |$sandbox:ident $(, $name:ident)*| $body:block) => {
        $crate::__example!([] |$sandbox $(, $name)*| $body)
    };
    ([$($step:ident($value:expr)),*] |$sandbox:ident $(, $name:ident)*| $body:block) => {
        let example = async {
            #[allow(unused_imports)]
            use ::rowfeed::prelude::*;
            let $sandbox = $crate::Sandbox::builder()$(.$step($value))*.start().await?;
            $(let $name = $crate::__example!(@$name $sandbox);)*
            $body
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(example).unwrap()
    };
    (blocking |$sandbox:ident $(, $name:ident)*| $body:block) => {
        let example = || {
            #[allow(unused_imports)]
            use ::rowfeed::prelude::*;
            let $sandbox = $crate::Sandbox::builder().poll_steps(0).start_blocking()?;
            $(let $name = $crate::__example!(@$name $sandbox);)*
            $body
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        example().unwrap()
    };
    (@dune $sandbox:ident) => {{
        let dune = ::rowfeed::dune::Client::builder().base_url($sandbox.dune_url());
        dune.api_key($crate::__example!(@key $sandbox)).build()?
    }};
    (@lightdash $sandbox:ident) => {{
        let lightdash = ::rowfeed::lightdash::Client::builder().base_url($sandbox.lightdash_url());
        lightdash.token(::rowfeed::Secret::new($crate::LIGHTDASH_TOKEN)?).build()?
    }};
    (@yandex $sandbox:ident) => {{
        let yandex = ::rowfeed::yandex_query::Client::builder().base_url($sandbox.yandex_query_url());
        yandex.iam_token($crate::__example!(@token $sandbox)).build()?
    }};
    (@run $sandbox:ident) => {
        $crate::__example!(@dune $sandbox).execute_sql().body("SELECT * FROM trades").run().await?
    };
    (@key $sandbox:ident) => { ::rowfeed::Secret::new($crate::DUNE_API_KEY)? };
    (@token $sandbox:ident) => { ::rowfeed::Secret::new($crate::YANDEX_IAM_TOKEN)? };
    (@query_id $sandbox:ident) => { $crate::DUNE_QUERY_ID };
    (@project $sandbox:ident) => { $crate::LIGHTDASH_PROJECT_UUID };
    (@folder $sandbox:ident) => { $crate::YANDEX_PROJECT };
}

//! What the examples of this crate begin with: a sandbox, and a client of it.

/// Runs an example with a sandbox and a client of its Dune. Runs end at once; with `slow`, they take
/// their time.
#[doc(hidden)]
#[macro_export]
macro_rules! __example {
    (|$sandbox:ident, $dune:ident| $body:block) => {
        $crate::__example!(@ $sandbox, $dune, builder().poll_steps(0), $body)
    };
    (slow |$sandbox:ident, $dune:ident| $body:block) => {
        $crate::__example!(@ $sandbox, $dune, builder(), $body)
    };
    (@ $sandbox:ident, $dune:ident, $builder:ident() $(.$steps:ident($number:literal))?, $body:block) => {
        let example = async {
            let $sandbox = rowfeed_sandbox::Sandbox::$builder()$(.$steps($number))?;
            let $sandbox = $sandbox.start().await?;
            let key = $crate::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
            let $dune = $crate::dune::Client::builder().base_url($sandbox.dune_url());
            let $dune = $dune.api_key(key).build()?;
            $body
            Ok::<(), Box<dyn std::error::Error>>(())
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(example).unwrap()
    };
}

//! The sources of keys, and that keys are sent nowhere else.

use std::fs;

use rowfeed_sandbox::{DUNE_API_KEY, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN};

use crate::support::{Bench, bare, run, run_with_input};

const SQL: [&str; 3] = ["dune", "sql", "SELECT 1 AS n"];

/// The command without credentials in its environment.
fn plain(bench: &Bench, arguments: &[&str]) -> std::process::Command {
    bare(bench.directory.path(), arguments)
}

fn write_profiles(bench: &Bench, text: &str) -> String {
    let path = bench.path("profiles.toml");
    fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
    path.to_str().unwrap().to_owned()
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_path: &std::path::Path, _mode: u32) {}

#[test]
fn a_profile_is_stored_listed_tried_and_used() {
    let bench = Bench::new();
    let (dune, lightdash) = (bench.sandbox.dune_url(), bench.sandbox.lightdash_url());
    let add = [
        "profile",
        "add",
        "dune",
        "--base-url",
        &dune,
        "--requests-per-minute",
        "6000",
        "--credits-per-mb",
        "2.5",
    ];
    let added = run_with_input(plain(&bench, &add), &format!("{DUNE_API_KEY}\n"));
    assert!(added.err.contains("stored in"), "{}", added.err);
    assert!(!added.err.contains(DUNE_API_KEY));
    added.ok();
    let add = [
        "--profile",
        "work",
        "profile",
        "add",
        "lightdash",
        "--base-url",
        &lightdash,
        "--project",
        rowfeed_sandbox::LIGHTDASH_PROJECT_UUID,
    ];
    run_with_input(plain(&bench, &add), LIGHTDASH_TOKEN).ok();

    let path = bench.path("config/rowfeed/profiles.toml");
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let list = run(plain(&bench, &["profile", "list"])).ok();
    assert!(
        list.contains("\"profile\":\"work\",\"service\":\"lightdash\",\"credential\":\"stored\""),
        "{list}"
    );
    assert!(
        !list.contains(DUNE_API_KEY) && !list.contains(LIGHTDASH_TOKEN),
        "{list}"
    );

    assert_eq!(run(plain(&bench, &SQL)).ok(), "{\"n\":1}\n");
    let work = ["--profile", "work", "lightdash", "sql", "SELECT 1 AS n"];
    assert_eq!(run(plain(&bench, &work)).ok(), "{\"n\":1}\n");
    let tried = run(plain(&bench, &["profile", "test"])).ok();
    assert!(
        tried.contains("\"service\":\"dune\"") && tried.contains("credits used"),
        "{tried}"
    );
    let tried = run(plain(&bench, &["profile", "test", "--profile", "work"])).ok();
    assert!(tried.contains("Robin Reef"), "{tried}");

    // The profile's rate decides the cost of reading.
    let text = run(plain(
        &bench,
        &["--json", "dune", "latest", "4132025", "--dry-run"],
    ))
    .ok();
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    let (bytes, credits) = (
        plan["bytes"].as_f64().unwrap(),
        plan["read_credits"].as_f64().unwrap(),
    );
    assert!((credits - bytes / 1e6 * 2.5).abs() < 1e-9, "{plan}");

    let again = ["profile", "add", "dune"];
    run_with_input(plain(&bench, &again), "other-key").fails(2, &["already", "--force"]);
    run_with_input(
        plain(&bench, &["profile", "add", "dune", "--force"]),
        "other-key",
    )
    .ok();
    assert!(fs::read_to_string(&path).unwrap().contains("other-key"));
    run_with_input(plain(&bench, &["profile", "add", "yandex"]), " \n").fails(3, &["is empty"]);
    run(plain(&bench, &["--profile", "none", "dune", "usage"])).fails(3, &["no profile \"none\""]);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    let bench = Bench::new();
    let path = write_profiles(
        &bench,
        &format!("[default.dune]\ncredential = \"{DUNE_API_KEY}\"\n"),
    );
    for mode in [0o644, 0o640, 0o604, 0o620] {
        set_mode(path.as_ref(), mode);
        let mut arguments = vec!["--config", &path];
        arguments.extend(SQL);
        let err = run(plain(&bench, &arguments)).fails(3, &["can be read by others", "chmod 600"]);
        assert!(!err.contains(DUNE_API_KEY));
    }
    assert!(bench.sandbox.requests().is_empty());
}

#[test]
fn flags_override_the_environment_which_overrides_the_profile() {
    let bench = Bench::new();
    let url = bench.sandbox.dune_url();
    let path = write_profiles(
        &bench,
        "[default.dune]\ncredential = \"of-the-profile\"\nbase-url = \"http://127.0.0.1:1\"\n",
    );
    let mut command = plain(&bench, &SQL);
    command
        .env("ROWFEED_CONFIG", &path)
        .env("DUNE_API_KEY", DUNE_API_KEY)
        .env("DUNE_API_BASE_URL", &url);
    assert_eq!(run(command).ok(), "{\"n\":1}\n");

    let mut command = plain(
        &bench,
        &["--base-url", &url, "dune", "sql", "SELECT 1 AS n"],
    );
    command
        .env("ROWFEED_CONFIG", &path)
        .env("DUNE_API_KEY", DUNE_API_KEY)
        .env("DUNE_API_BASE_URL", "http://127.0.0.1:1");
    assert_eq!(run(command).ok(), "{\"n\":1}\n");

    // The profile's key was sent: it is refused.
    let mut command = plain(
        &bench,
        &["--base-url", &url, "dune", "sql", "SELECT 1 AS n"],
    );
    command.env("ROWFEED_CONFIG", &path);
    run(command).fails(3, &["invalid API Key", "rowfeed profile test dune"]);

    let mut command = plain(
        &bench,
        &[
            "--profile",
            "default",
            "--base-url",
            &url,
            "dune",
            "sql",
            "SELECT 1 AS n",
        ],
    );
    command
        .env("ROWFEED_CONFIG", &path)
        .env("DUNE_API_KEY", DUNE_API_KEY);
    let ran = run(command);
    assert!(
        ran.err
            .contains("warning: the environment has a credential for Dune"),
        "{}",
        ran.err
    );
    ran.ok();
}

#[cfg(unix)]
#[test]
fn a_credential_command_is_run_without_a_shell_and_again_when_the_key_is_refused() {
    let bench = Bench::new();
    let url = bench.sandbox.dune_url();
    // Prints a key that is refused at first, and then the right one.
    let script = format!("[ -e used ] && echo {DUNE_API_KEY} || {{ touch used; echo stale-key; }}");
    let path = write_profiles(
        &bench,
        &format!(
            "[default.dune]\nbase-url = \"{url}\"\ncredential-command = [\"sh\", \"-c\", \"\"\"{script}\"\"\"]\n\
         [default.yandex]\nbase-url = \"{}\"\nproject = \"b1gsandbox0folder001\"\ncredential-command = \"printf %s {YANDEX_IAM_TOKEN}\"\n\
         [bad.dune]\nbase-url = \"{url}\"\ncredential-command = \"sh -c 'echo oh no >&2; exit 7'\"\n",
            bench.sandbox.yandex_query_url(),
        ),
    );
    let with = |arguments: &[&str]| {
        let mut command = plain(&bench, arguments);
        command.env("ROWFEED_CONFIG", &path);
        run(command)
    };
    assert_eq!(with(&SQL).ok(), "{\"n\":1}\n");
    assert!(bench.exists("used"));
    assert_eq!(
        with(&["yandex", "sql", "SELECT 1 AS n"]).ok(),
        "{\"n\":1}\n"
    );
    with(&["--profile", "bad", "dune", "sql", "SELECT 1"]).fails(3, &["oh no", "exit status: 7"]);
}

#[test]
fn a_wrong_key_says_what_to_do_and_is_never_shown() {
    let bench = Bench::new();
    for (service, variable) in [
        ("dune", "DUNE_API_KEY"),
        ("lightdash", "LIGHTDASH_API_KEY"),
        ("yandex", "YC_IAM_TOKEN"),
    ] {
        for arguments in [
            &[service, "sql", "SELECT 1"][..],
            &["-vv", service, "sql", "SELECT 1"],
            &["--json", service, "sql", "SELECT 1"],
        ] {
            let mut command = bench.command(arguments);
            command.env(variable, "hunter2-wrong-key");
            let ran = run(command);
            let err = ran.fails(3, &["rowfeed profile test"]);
            assert!(!err.contains("hunter2"), "{err}");
        }
    }
}

#[test]
fn a_broken_profile_file_is_explained_without_its_content() {
    let bench = Bench::new();
    for (text, part) in [
        ("[default.dune]\napi-key = \"hunter2\"\n", "line 2"),
        ("[default.dune]\ncredential = hunter2\n", "line 2"),
        ("[default.dune]\ncredential = 42\n", "invalid type"),
        (
            "[default.oracle]\ncredential = \"hunter2\"\n",
            "[default.oracle] is no service",
        ),
        (
            "[default.dune]\ncredential = \"hunter2\"\ncredential-command = \"true\"\n",
            "several credentials",
        ),
        ("[default.dune]\ncredential = \" hunter2\"\n", "white space"),
    ] {
        let path = write_profiles(&bench, text);
        let mut command = plain(&bench, &SQL);
        command.env("ROWFEED_CONFIG", &path);
        let err = run(command).fails(3, &[part]);
        assert!(!err.contains("hunter2"), "{err}");
    }
}

#[test]
fn without_a_credential_nothing_is_sent() {
    let bench = Bench::new();
    run(plain(&bench, &SQL)).fails(
        3,
        &[
            "no credential for Dune",
            "rowfeed profile add dune",
            "--sandbox",
        ],
    );
    run(plain(&bench, &["profile", "test"])).fails(3, &["rowfeed profile add"]);
    // No flag takes a key.
    run(plain(
        &bench,
        &["dune", "sql", "SELECT 1", "--api-key", "x"],
    ))
    .fails(2, &["unexpected argument"]);
}

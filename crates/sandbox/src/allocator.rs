//! Settings of the system's allocator.

/// Environment variables that glibc's allocator reads when a program starts.
///
/// By default glibc keeps an arena for almost every thread, up to eight per core. Memory that one
/// thread frees is not used by another, and small blocks that remain allocated keep freed memory
/// from returning to the system. The same results then take several times the memory. Also, once a
/// large block is freed, glibc no longer returns blocks of that size to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

/// Restarts the program in the same process with [`SETTINGS`], unless one of them is already set.
/// Returns if the restart fails; the program then uses more memory.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn settle() {
    use std::os::unix::process::CommandExt as _;
    use std::{env, process::Command};

    let is_set = |(name, _): &(&str, &str)| env::var_os(name).is_some();
    if SETTINGS.iter().any(is_set) {
        return;
    }
    let mut given = env::args_os();
    let (Some(name), Ok(program)) = (given.next(), env::current_exe()) else {
        return;
    };
    let _ = Command::new(program)
        .arg0(name)
        .args(given)
        .envs(SETTINGS)
        .exec();
}

/// Other allocators need no settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn settle() {}

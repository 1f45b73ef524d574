//! How the program has its memory from the system.

/// What glibc's allocator reads when a program starts.
///
/// Otherwise it keeps an arena for almost every thread, up to eight a core. What one thread has
/// freed, another does not use, and what is kept between holds the rest in place: the same results
/// take several times the memory. And once a large block was freed, blocks of its size are no
/// longer given back to the system when they are free.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

/// Starts the program anew, in the same process, with these settings; not if one of them is there,
/// be it from here or from whoever started it. Comes back if that is not possible, and then the
/// program takes more memory.
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

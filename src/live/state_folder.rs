//! Where Squid keeps `run.json`: the user's state folder, as `platformdirs.user_state_path("squid", "cephla")` gives it.
//!
//! Squid `squid/acquisition_state.py` (`default_state_dir`).

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Moves the folder, for Squid and for us: it directly holds `run.json`.
const OVERRIDE: &str = "SQUID_WATCHDOG_STATE_DIR";

/// Systems that have a place of their own for state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Windows,
    MacOs,
    /// Linux and its relatives.
    Unix,
}

const THIS_SYSTEM: System = if cfg!(windows) {
    System::Windows
} else if cfg!(target_os = "macos") {
    System::MacOs
} else {
    System::Unix
};

/// The folder that holds `run.json` on this machine for this user; it need not exist.
///
/// `None` where the system names no home folder.
#[must_use]
pub fn state_folder() -> Option<PathBuf> {
    let home = directories::BaseDirs::new().map(|folders| folders.home_dir().to_path_buf());
    folder_of(THIS_SYSTEM, |name| std::env::var_os(name), home.as_deref())
}

fn folder_of(
    system: System,
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(folder) = given(OVERRIDE) {
        return Some(folder.into());
    }
    // platformdirs takes a variable of blanks for none.
    let base = |name: &str, below_home: &str| {
        let named = given(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        named
            .map(PathBuf::from)
            .or_else(|| Some(home?.join(below_home)))
    };
    let state = match system {
        System::Windows => base("LOCALAPPDATA", "AppData/Local")?.join("cephla/squid"),
        System::MacOs => home?.join("Library/Application Support/squid"),
        System::Unix => base("XDG_STATE_HOME", ".local/state")?.join("squid"),
    };
    Some(state.join("watchdog"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_microscope_software() {
        let check = |system, variables: &[(&str, &str)], expected: &str| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let found = folder_of(system, variable, Some(Path::new("/home/ada")));
            assert_eq!(
                found,
                Some(PathBuf::from(expected)),
                "{system:?} {variables:?}"
            );
        };
        check(System::Unix, &[], "/home/ada/.local/state/squid/watchdog");
        check(
            System::Unix,
            &[("XDG_STATE_HOME", "/state")],
            "/state/squid/watchdog",
        );
        check(
            System::Unix,
            &[("XDG_STATE_HOME", " ")],
            "/home/ada/.local/state/squid/watchdog",
        );
        check(
            System::MacOs,
            &[],
            "/home/ada/Library/Application Support/squid/watchdog",
        );
        check(
            System::Windows,
            &[("LOCALAPPDATA", "/local")],
            "/local/cephla/squid/watchdog",
        );
        for system in [System::Unix, System::MacOs, System::Windows] {
            check(system, &[(OVERRIDE, "/moved")], "/moved");
        }
    }

    #[test]
    fn without_a_home_there_is_no_folder() {
        assert_eq!(folder_of(System::Unix, |_| None, None), None);
    }
}

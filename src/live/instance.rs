//! Instance files: where a window says its address and its token, for its own user only.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::protocol::PROTOCOL;

/// Random bytes of a token: 43 characters.
const TOKEN_BYTES: usize = 32;
/// Bytes of an instance file that are read.
const MAX_FILE_BYTES: u64 = 4096;
/// Entries of the folder that are looked at.
const MAX_ENTRIES: usize = 4096;

/// A window on this machine takes a connection at once, and an address of none refuses it at once.
const ANSWERS_WITHIN: Duration = Duration::from_millis(20);

/// Windows cannot be found, or cannot be made known.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The system names no folder.
    #[error("this system names no folder for running programs; set SQUIDVIEW_RUNTIME_DIR")]
    NoFolder,
    /// Others could read the token, or lead clients elsewhere.
    #[error("the folder of instance files {reason}: {}", path.display())]
    NotOurs {
        /// What is wrong with it.
        reason: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// The folder or a file in it cannot be read or written.
    #[error("cannot {action} the instance file: {source}: {}", path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system has no randomness for a token.
    #[error("no random token: {0}")]
    Random(getrandom::Error),
}

/// A window that listens, as its file describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Version of the protocol that it speaks.
    pub protocol: i64,
    /// Where it listens.
    pub address: SocketAddr,
    /// What a hello must say.
    pub token: String,
    /// Its process.
    pub pid: u32,
    /// Milliseconds since 1970 of its start.
    pub started_unix_ms: u64,
}

impl Instance {
    /// This process at that address, with a new token.
    pub(super) fn new(address: SocketAddr) -> Result<Self, InstanceError> {
        let mut random = [0; TOKEN_BYTES];
        getrandom::fill(&mut random).map_err(InstanceError::Random)?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Self {
            protocol: PROTOCOL,
            address,
            token: URL_SAFE_NO_PAD.encode(random),
            pid: std::process::id(),
            // A clock before 1970 makes it the oldest.
            started_unix_ms: since_1970.map_or(0, |since| since.as_millis() as u64),
        })
    }
}

/// The folder of one user's instance files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceFolder(PathBuf);

impl InstanceFolder {
    /// This folder, whoever the user is (tests).
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder of this user, which need not exist yet; `SQUIDVIEW_RUNTIME_DIR` overrides it.
    ///
    /// # Errors
    /// When the system names none.
    pub fn of_user() -> Result<Self, InstanceError> {
        match variable("SQUIDVIEW_RUNTIME_DIR") {
            Some(folder) => Ok(Self(folder)),
            None => folder_of_user().map(Self),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The instances whose files are there, the newest first; some may be left over from a crash.
    ///
    /// # Errors
    /// When the folder cannot be read, or is not this user's alone. One that does not exist is empty.
    pub fn list(&self) -> Result<Vec<Instance>, InstanceError> {
        match check_is_ours(&self.0) {
            Err(InstanceError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Vec::new());
            }
            checked => checked?,
        }
        let failed = |source| InstanceError::Io {
            action: "read",
            path: self.0.clone(),
            source,
        };
        let mut instances = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed)?.take(MAX_ENTRIES) {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(is_instance_name);
            if !is_ours {
                continue;
            }
            match read(&entry.path()) {
                Ok(instance) => instances.push(instance),
                // A window that closed just now, or a newer program's file.
                Err(error) => tracing::debug!("an instance file is skipped: {error}"),
            }
        }
        instances.sort_by_key(|instance| std::cmp::Reverse(instance.started_unix_ms));
        Ok(instances)
    }

    /// Removes the files that windows left which were ended from outside: nobody listens at their address, or `own` does.
    pub(super) fn sweep(&self, own: &Instance) {
        let is_refused = |left: &Instance| {
            let connected = TcpStream::connect_timeout(&left.address, ANSWERS_WITHIN);
            connected.is_err_and(|it| it.kind() == io::ErrorKind::ConnectionRefused)
        };
        for left in self.list().unwrap_or_default() {
            let is_other = left.pid != own.pid;
            if is_other && (left.address == own.address || is_refused(&left)) {
                let path = self.path_of(&left);
                if let Err(error) = fs::remove_file(&path) {
                    tracing::debug!("an old instance file stays: {error}: {}", path.display());
                }
            }
        }
    }

    fn path_of(&self, instance: &Instance) -> PathBuf {
        self.0.join(format!("instance-{}.json", instance.pid))
    }

    /// Writes an instance's file; it is removed when the result drops.
    pub(super) fn publish(&self, instance: &Instance) -> Result<InstanceFile, InstanceError> {
        let failed = |source| InstanceError::Io {
            action: "write",
            path: self.0.clone(),
            source,
        };
        create_folder(&self.0).map_err(failed)?;
        check_is_ours(&self.0)?;
        let path = self.path_of(instance);
        let unfinished = self.0.join(format!(".instance-{}.tmp", instance.pid));
        let text = serde_json::to_vec(instance).map_err(|error| failed(error.into()))?;
        let written = write_private(&unfinished, &text);
        written
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(failed)?;
        Ok(InstanceFile(path))
    }
}

/// An instance file that is there until this drops.
#[derive(Debug)]
pub(super) struct InstanceFile(PathBuf);

impl Drop for InstanceFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!(
                "an instance file stays behind: {error}: {}",
                self.0.display()
            );
        }
    }
}

fn is_instance_name(name: &str) -> bool {
    let pid = name.strip_prefix("instance-");
    let pid = pid.and_then(|rest| rest.strip_suffix(".json"));
    pid.is_some_and(|pid| pid.parse::<u32>().is_ok())
}

fn read(path: &Path) -> io::Result<Instance> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut text = String::new();
    let mut file = fs::File::open(path)?.take(MAX_FILE_BYTES);
    file.read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// A folder that an environment variable names; an empty one names none.
fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

#[cfg(target_os = "macos")]
fn folder_of_user() -> Result<PathBuf, InstanceError> {
    let folders = directories::BaseDirs::new().ok_or(InstanceError::NoFolder)?;
    Ok(folders.cache_dir().join("squidview").join("run"))
}

#[cfg(windows)]
fn folder_of_user() -> Result<PathBuf, InstanceError> {
    let folders = directories::BaseDirs::new().ok_or(InstanceError::NoFolder)?;
    Ok(folders.data_local_dir().join("squidview").join("run"))
}

#[cfg(not(any(target_os = "macos", windows)))]
#[expect(clippy::unnecessary_wraps, reason = "other systems may name no folder")]
fn folder_of_user() -> Result<PathBuf, InstanceError> {
    Ok(match variable("XDG_RUNTIME_DIR") {
        Some(folder) => folder.join("squidview"),
        None => PathBuf::from(format!("/tmp/squidview-{}", user())),
    })
}

#[cfg(unix)]
fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Creates the folder for this user alone, where there is none.
fn create_folder(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match private_folder().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

#[cfg(unix)]
fn private_folder() -> fs::DirBuilder {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// In the user's own profile, which others cannot read.
#[cfg(not(unix))]
fn private_folder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

/// Writes a file that only this user can read.
fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    // Left behind by a crash of a process with the same number.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text)
}

/// Refuses a folder that another user made, leads to, or can write to.
fn check_is_ours(path: &Path) -> Result<(), InstanceError> {
    // Of the entry itself: a link would lead to somebody else's choice.
    let metadata = fs::symlink_metadata(path).map_err(|source| InstanceError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let refuse = |reason| InstanceError::NotOurs {
        reason,
        path: path.to_owned(),
    };
    if !metadata.is_dir() {
        return Err(refuse("is not a folder"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if metadata.uid() != user() {
            return Err(refuse("belongs to another user"));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(refuse("can be written by other users"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(pid: u32, started_unix_ms: u64) -> Instance {
        Instance {
            pid,
            started_unix_ms,
            ..Instance::new("127.0.0.1:1".parse().unwrap()).unwrap()
        }
    }

    #[test]
    fn the_newest_instance_comes_first_and_files_go_with_their_window() {
        let folder = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::at(&folder.path().join("below/run"));
        assert_eq!(folder.list().unwrap(), []);
        let (old, new) = (instance(7, 100), instance(3, 200));
        let kept = folder.publish(&new).unwrap();
        let closed = folder.publish(&old).unwrap();
        fs::write(folder.path().join("instance-9.json"), "{").unwrap();
        fs::write(folder.path().join("note.txt"), "{}").unwrap();
        assert_eq!(folder.list().unwrap(), [new.clone(), old]);
        drop(closed);
        assert_eq!(folder.list().unwrap(), [new]);
        drop(kept);
        assert_eq!(folder.list().unwrap(), []);
    }

    #[test]
    fn what_windows_left_that_were_ended_from_outside_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::at(&folder.path().join("run"));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listening = Instance {
            address: listener.local_addr().unwrap(),
            ..instance(3, 100)
        };
        let kept = folder.publish(&listening).unwrap();
        std::mem::forget(folder.publish(&instance(7, 200)).unwrap());
        // Its port is that of a later window.
        let before = Instance {
            pid: 8,
            ..listening.clone()
        };
        std::mem::forget(folder.publish(&before).unwrap());
        folder.sweep(&listening);
        assert_eq!(folder.list().unwrap(), [listening]);
        drop(kept);
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (instance(1, 1), instance(1, 1));
        assert_eq!(one.token.len(), 43);
        assert_ne!(one.token, other.token);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_user_can_read_an_instance_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let folder = InstanceFolder::at(&folder.path().join("run"));
        let _file = folder.publish(&instance(7, 1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join("instance-7.json")), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_lead_to_or_write_to_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let temporary = tempfile::tempdir().unwrap();
        let check = |path: &Path, text: &str| {
            let folder = InstanceFolder::at(path);
            let refused = folder.publish(&instance(7, 1)).unwrap_err().to_string();
            assert!(refused.contains(text), "{refused}");
            assert!(folder.list().is_err());
        };
        let open = temporary.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        check(&open, "can be written by other users");
        let link = temporary.path().join("link");
        symlink(temporary.path(), &link).unwrap();
        check(&link, "is not a folder");
        let file = temporary.path().join("file");
        fs::write(&file, "").unwrap();
        check(&file, "is not a folder");
        if user() != 0 {
            check(Path::new("/"), "belongs to another user");
        }
    }
}

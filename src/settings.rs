//! What survives a restart: looks, playback, window size, recent datasets, and how each was looked at.
//!
//! One JSON file in the user's configuration folder, written to a temporary name and renamed, so that a crash never
//! leaves half of it. `SQUIDVIEW_CONFIG_DIR` moves it (tests, portable installations).

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    model::Theme,
    session::{Panels, SavedView},
};

/// Recent datasets kept.
const MAX_RECENTS: usize = 20;
/// Datasets whose view settings are kept.
const MAX_VIEWS: usize = 100;

/// A dataset that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentEntry {
    /// Its path.
    pub path: PathBuf,
    /// What people call it.
    pub name: String,
    /// The layout in words.
    pub layout: String,
    /// FOVs, planes and bytes in words ("12 FOVs · 2048 × 2048").
    pub size: String,
    /// Seconds since 1970 of the last opening.
    pub opened_unix_secs: u64,
}

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Dark or light.
    pub theme: Theme,
    /// Factor of all text sizes, 0.7 to 2.
    pub text_scale: f32,
    /// Steps per second of playback.
    pub fps: f32,
    /// Playback starts again at the end.
    pub loops: bool,
    /// Which panels are open.
    pub panels: Panels,
    /// An acquisition that runs on this machine is opened by itself.
    pub follows_running: bool,
    /// Inner size of the window in points.
    pub window_size_pt: [f32; 2],
    /// The window filled the screen.
    pub maximized: bool,
    /// Newest first.
    pub recents: Vec<RecentEntry>,
    /// How datasets were looked at, by path; newest first.
    pub views: Vec<(PathBuf, SavedView)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::Dark,
            text_scale: 1.0,
            fps: 10.0,
            loops: true,
            panels: Panels {
                left: true,
                right: true,
                bars: true,
            },
            follows_running: false,
            window_size_pt: [1480.0, 1000.0],
            maximized: false,
            recents: Vec::new(),
            views: Vec::new(),
        }
    }
}

/// Settings cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The system names no folder for configuration.
    #[error("this system names no configuration folder; set SQUIDVIEW_CONFIG_DIR")]
    NoFolder,
    /// The file cannot be read or written.
    #[error("cannot {action} settings: {}", path.display())]
    Io {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not ours.
    #[error("settings are not valid, defaults are used: {}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl Settings {
    /// The settings file.
    ///
    /// # Errors
    /// When the system names no configuration folder.
    pub fn path() -> Result<PathBuf, SettingsError> {
        if let Some(folder) = std::env::var_os("SQUIDVIEW_CONFIG_DIR") {
            return Ok(Path::new(&folder).join("settings.json"));
        }
        let folders =
            directories::ProjectDirs::from("", "", "squidview").ok_or(SettingsError::NoFolder)?;
        Ok(folders.config_dir().join("settings.json"))
    }

    /// Reads the file; defaults where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read or understood.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(SettingsError::Io {
                    action: "read",
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let settings: Self =
            serde_json::from_str(&text).map_err(|source| SettingsError::Invalid {
                path: path.to_owned(),
                source,
            })?;
        Ok(settings.within_bounds())
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When the folder or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SettingsError> {
        let io_error = |source| SettingsError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        };
        let text = serde_json::to_string_pretty(self).map_err(|source| SettingsError::Invalid {
            path: path.to_owned(),
            source,
        })?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io_error)?;
        }
        let temporary = path.with_extension(format!("json.{}", std::process::id()));
        fs::write(&temporary, text).map_err(io_error)?;
        fs::rename(&temporary, path).map_err(io_error)
    }

    /// Puts a dataset on top of the recent list.
    pub fn remember_opened(&mut self, entry: RecentEntry) {
        self.recents.retain(|other| other.path != entry.path);
        self.recents.insert(0, entry);
        self.recents.truncate(MAX_RECENTS);
    }

    /// Keeps how a dataset was looked at.
    pub fn remember_view(&mut self, path: &Path, view: SavedView) {
        // Planes that were registered one by one have no folder.
        if path.as_os_str().is_empty() {
            return;
        }
        self.views.retain(|(other, _)| other != path);
        self.views.insert(0, (path.to_owned(), view));
        self.views.truncate(MAX_VIEWS);
    }

    /// How a dataset was looked at the last time.
    #[must_use]
    pub fn view_of(&self, path: &Path) -> Option<&SavedView> {
        self.views
            .iter()
            .find(|(other, _)| other == path && !path.as_os_str().is_empty())
            .map(|(_, view)| view)
    }

    /// A file that was edited by hand may hold anything.
    fn within_bounds(mut self) -> Self {
        let default = Self::default();
        let sane = |value: f32, low: f32, high: f32, otherwise: f32| {
            if value.is_finite() {
                value.clamp(low, high)
            } else {
                otherwise
            }
        };
        self.text_scale = sane(self.text_scale, 0.7, 2.0, default.text_scale);
        self.fps = sane(self.fps, 0.5, 100.0, default.fps);
        for (side, otherwise) in self.window_size_pt.iter_mut().zip(default.window_size_pt) {
            *side = sane(*side, 320.0, 16_000.0, otherwise);
        }
        self.recents.truncate(MAX_RECENTS);
        self.views.truncate(MAX_VIEWS);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::ChannelMode;

    fn recent(path: &str) -> RecentEntry {
        RecentEntry {
            path: path.into(),
            name: path.into(),
            layout: String::new(),
            size: String::new(),
            opened_unix_secs: 0,
        }
    }

    #[test]
    fn settings_come_back_as_they_were_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below").join("settings.json");
        let mut settings = Settings {
            theme: Theme::Light,
            fps: 24.0,
            follows_running: true,
            ..Settings::default()
        };
        settings.remember_opened(recent("/data/a"));
        settings.save(&path).expect("written");
        assert_eq!(Settings::load(&path).expect("read"), settings);
    }

    #[test]
    fn a_missing_file_gives_the_defaults_and_a_broken_one_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.json");
        assert_eq!(
            Settings::load(&path).expect("defaults"),
            Settings::default()
        );
        fs::write(&path, "{").expect("written");
        assert!(matches!(
            Settings::load(&path),
            Err(SettingsError::Invalid { .. })
        ));
    }

    #[test]
    fn opening_again_moves_a_dataset_to_the_top() {
        let mut settings = Settings::default();
        for path in ["/a", "/b", "/a"] {
            settings.remember_opened(recent(path));
        }
        let paths: Vec<_> = settings
            .recents
            .iter()
            .map(|entry| entry.path.clone())
            .collect();
        assert_eq!(paths, [PathBuf::from("/a"), PathBuf::from("/b")]);
    }

    #[test]
    fn views_are_kept_by_path_and_none_without_one() {
        let mut settings = Settings::default();
        for path in ["/a", ""] {
            let view = SavedView {
                channels: Vec::new(),
                mode: ChannelMode::Composite,
                limits_shared: true,
                auto_every_change: false,
                own_limits: Vec::new(),
            };
            settings.remember_view(Path::new(path), view);
        }
        assert!(settings.view_of(Path::new("/a")).is_some());
        assert_eq!(settings.view_of(Path::new("")), None);
        assert_eq!(settings.views.len(), 1);
    }

    #[test]
    fn values_that_were_edited_beyond_their_bounds_are_brought_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("settings.json");
        fs::write(
            &path,
            r#"{"text_scale": 90, "fps": -1, "window_size_pt": [1, 1e30]}"#,
        )
        .expect("written");
        let settings = Settings::load(&path).expect("read");
        assert_eq!((settings.text_scale, settings.fps), (2.0, 0.5));
        assert_eq!(settings.window_size_pt, [320.0, 16_000.0]);
    }
}

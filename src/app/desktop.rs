//! What the desktop does for us: dialogs, file manager, writing a picture. Each on a thread of its own.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{
    canvas::{DrawList, composite},
    dataset::Dataset,
    export::Destination,
    settings::Settings,
};

/// What a dialog or a picture came to.
pub(super) enum DesktopNews {
    /// A folder was picked to open.
    Picked(PathBuf),
    /// A text for the clipboard.
    Text(String),
    /// A picture for the clipboard: width, height, RGBA rows.
    Picture([usize; 2], Vec<u8>),
    /// Something the user asked for happened, in words.
    Done(String),
    /// Something the user asked for did not happen, in words.
    Failed(String),
}

/// Finds a file of the dataset, or says why there is none. Blocks on I/O.
pub(super) type FindPath = Box<dyn FnOnce() -> Result<PathBuf, String> + Send>;

/// Runs what the desktop does for us, off the interface thread.
pub(super) struct Desktop {
    sender: Sender<DesktopNews>,
    receiver: Receiver<DesktopNews>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// Keeps the settings that were handed over last, after those before them.
    keeping: Option<JoinHandle<()>>,
}

impl Desktop {
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        // A person causes these one by one; a thread that finds the channel full waits.
        let (sender, receiver) = bounded(16);
        Self {
            sender,
            receiver,
            wake,
            keeping: None,
        }
    }

    /// The oldest news, if there are any.
    pub(super) fn take(&self) -> Option<DesktopNews> {
        self.receiver.try_recv().ok()
    }

    /// The native dialog for a folder.
    pub(super) fn pick_folder(&self) {
        self.run("squidview-dialog", || {
            let dialog = rfd::FileDialog::new().set_title("Open a dataset folder");
            dialog.pick_folder().map(DesktopNews::Picked)
        });
    }

    /// The native dialog for a file name, then the view as PNG; never into the dataset.
    pub(super) fn save_picture(&self, list: Arc<DrawList>, dataset: Arc<Dataset>) {
        self.run("squidview-save", move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Save the view")
                .set_file_name(format!("{}.png", dataset.name));
            let path = dialog.add_filter("PNG", &["png"]).save_file()?;
            let (width, height) = (list.canvas.width_px, list.canvas.height_px);
            let saved = Destination::outside(&dataset, &path)
                .and_then(|out| out.write_picture(&composite(&list), width, height));
            Some(match saved {
                Ok(()) => DesktopNews::Done(format!("Saved {}", path.display())),
                Err(error) => DesktopNews::Failed(format!("Cannot save the view: {error}")),
            })
        });
    }

    /// The view for the clipboard.
    pub(super) fn copy_picture(&self, list: Arc<DrawList>) {
        self.run("squidview-copy", move || {
            let size = [
                list.canvas.width_px as usize,
                list.canvas.height_px as usize,
            ];
            Some(DesktopNews::Picture(size, composite(&list)))
        });
    }

    /// Copies the path that `find` gives; it may have to look into the dataset.
    pub(super) fn copy_path(&self, find: FindPath) {
        self.run("squidview-copy", move || {
            Some(match find() {
                Ok(path) => DesktopNews::Text(path.display().to_string()),
                Err(text) => DesktopNews::Failed(text),
            })
        });
    }

    /// Writes the settings.
    pub(super) fn keep(&mut self, settings: Settings, path: PathBuf) {
        let before = self.keeping.take();
        let spawned = thread::Builder::new()
            .name("squidview-settings".into())
            .spawn(move || {
                if before.is_some_and(|before| before.join().is_err()) {
                    tracing::error!("keeping the settings panicked");
                }
                if let Err(error) = settings.save(&path) {
                    tracing::warn!("{error}");
                }
            });
        match spawned {
            Ok(thread) => self.keeping = Some(thread),
            Err(error) => tracing::error!("cannot start a thread: {error}"),
        }
    }

    /// Shows a file or folder in the system's file manager.
    pub(super) fn show_in_file_manager(&self, find: FindPath) {
        self.run("squidview-file-manager", move || {
            let path = match find() {
                Ok(path) => path,
                Err(text) => return Some(DesktopNews::Failed(text)),
            };
            match show(&path) {
                Ok(()) => None,
                Err(error) => Some(DesktopNews::Failed(format!(
                    "No file manager answers ({error}): {}",
                    path.display()
                ))),
            }
        });
    }

    fn run(&self, name: &str, job: impl FnOnce() -> Option<DesktopNews> + Send + 'static) {
        let (sender, wake) = (self.sender.clone(), Arc::clone(&self.wake));
        let spawned = thread::Builder::new().name(name.into()).spawn(move || {
            // The channel closes when the window closes; then nobody wants the news.
            if let Some(news) = job()
                && sender.send(news).is_ok()
            {
                wake();
            }
        });
        if let Err(error) = spawned {
            tracing::error!("cannot start a thread: {error}");
        }
    }
}

/// Plain words in a dialog, for people who started the program with a double click and see no stderr. Blocks until it is
/// read; nothing happens where no dialog answers.
pub(super) fn tell(text: &str) {
    let dialog = rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error);
    dialog
        .set_title("squidview")
        .set_description(text)
        .set_buttons(rfd::MessageButtons::Ok)
        .show();
}

/// Settings are kept before the program ends.
impl Drop for Desktop {
    fn drop(&mut self) {
        if self
            .keeping
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("keeping the settings panicked");
        }
    }
}

/// Starts the file manager and waits for its launcher, so that it leaves no zombie.
fn show(path: &Path) -> io::Result<()> {
    let folder = if path.is_dir() {
        path
    } else {
        path.parent().unwrap_or(path)
    };
    let mut command = if cfg!(target_os = "macos") {
        let mut command = Command::new("open");
        command.arg("-R").arg(path);
        command
    } else if cfg!(windows) {
        let mut command = Command::new("explorer");
        command.arg(folder);
        command
    } else {
        let mut command = Command::new("xdg-open");
        command.arg(folder);
        command
    };
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    // Windows' explorer answers 1 also when it did what it should.
    if status.success() || cfg!(windows) {
        Ok(())
    } else {
        Err(io::Error::other(format!("it ended with {status}")))
    }
}

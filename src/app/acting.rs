//! What a person wishes in the window, done.

use std::sync::Arc;

use eframe::egui;

use super::{App, Demo};
use crate::{
    session::Command,
    ui::{self, Action},
};

impl App {
    pub(super) fn act(&mut self, ctx: &egui::Context, action: Action) {
        match action {
            Action::View(command) => {
                if let Some(viewing) = &mut self.viewing {
                    viewing.apply(&command);
                    if command == Command::SetFollow(true) {
                        viewing.follow_now();
                    }
                }
            }
            Action::Open(path) => self.open(&path),
            Action::OpenRunning(path) => self.open_running(&path),
            Action::ShowOther(number) => self.show_displaced(number),
            Action::OpenDialog => self.desktop.pick_folder(),
            Action::OpenDemo => self.open_demo(),
            Action::CloseDataset => self.close_dataset(),
            Action::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Action::Reload => self.reload(),
            Action::CancelOpening => {
                self.opening.cancel();
                self.waits_for_demo = false;
            }
            Action::SaveView => self.save_view(),
            Action::CopyView => {
                if let Some(list) = &self.drawn {
                    self.desktop.copy_picture(Arc::clone(list));
                }
            }
            Action::CopyText(text) => ctx.copy_text(text),
            Action::CopyFilePath => {
                if let Some(find) = self.find_shown_file() {
                    self.desktop.copy_path(find);
                }
            }
            Action::ShowInFileManager => {
                if let Some(find) = self.find_shown_file() {
                    self.desktop.show_in_file_manager(find);
                }
            }
            Action::SetTheme(theme) => {
                self.settings.theme = theme;
                ui::apply_theme(ctx, theme, self.settings.text_scale);
            }
            Action::SetTextScale(scale) => {
                self.settings.text_scale = scale;
                ui::apply_theme(ctx, self.settings.theme, scale);
            }
            Action::ForgetRecent(path) => {
                self.settings.recents.retain(|recent| recent.path != path);
            }
            Action::DismissError => (self.error, self.notice) = (None, None),
            Action::SetFollowRunning(follows) => {
                self.settings.follows_running = follows;
                self.save_settings();
            }
        }
        ctx.request_repaint();
    }

    pub(super) fn reload(&mut self) {
        let viewing = self.viewing.as_mut();
        if let Some(viewing) = viewing {
            if viewing.dataset.announcement.is_some() {
                viewing.refresh();
                return;
            }
            let root = viewing.dataset.root.clone();
            self.opening.reload(&root);
        }
    }

    fn close_dataset(&mut self) {
        self.opening.cancel();
        self.waits_for_demo = false;
        self.disk = None;
        self.drawn = None;
        if let Some(viewing) = self.viewing.take() {
            self.leave(&viewing);
            self.put_announced_aside(&viewing);
        }
        self.save_settings();
    }

    pub(super) fn open_demo(&mut self) {
        match Demo::start(Arc::clone(&self.wake)) {
            Ok(demo) => {
                self.notice = Some("Preparing the demo…".into());
                self.waits_for_demo = true;
                if let Some(old) = self.demo.replace(demo) {
                    old.end();
                }
            }
            Err(error) => self.error = Some(error),
        }
    }

    fn save_view(&mut self) {
        if let (Some(list), Some(viewing)) = (&self.drawn, &self.viewing) {
            self.desktop
                .save_picture(Arc::clone(list), Arc::clone(&viewing.dataset));
        }
    }
}

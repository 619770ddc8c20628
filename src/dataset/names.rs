//! Names that files give, cut to what can be shown: laid out, one of 20 MB takes the window a gigabyte.

use std::sync::Arc;

use super::{Dataset, Fov, Image, ImageSlot, OpenedLabel};
use crate::model::{Code, Problem, limits};

/// Cuts it where it is too long; how many names that are.
fn cut(name: &mut String) -> usize {
    if name.len() <= limits::NAME_BYTES {
        return 0;
    }
    let end = name.floor_char_boundary(limits::NAME_BYTES - '\u{2026}'.len_utf8());
    *name = format!("{}\u{2026}", &name[..end]);
    1
}

fn cut_all<'a>(names: impl IntoIterator<Item = &'a mut String>) -> usize {
    names.into_iter().map(cut).sum()
}

fn of_image(image: &mut Image) -> impl Iterator<Item = &mut String> {
    let axes = image.axes.iter_mut();
    let axes = axes.flat_map(|axis| std::iter::once(&mut axis.name).chain(&mut axis.unit));
    let channels = image.channels.iter_mut();
    let channels = channels.filter_map(|channel| channel.name.as_mut());
    axes.chain(channels)
        .chain(&mut image.labels)
        .chain([&mut image.storage])
        .chain(&mut image.ngff)
}

/// Cuts the names of images; those that follow each other and are the same one stay one.
#[derive(Default)]
struct Images {
    last: Option<(Arc<Image>, Arc<Image>)>,
    num_cut: usize,
}

impl Images {
    fn cut(&mut self, image: &mut Arc<Image>) {
        if let Some((from, to)) = &self.last
            && Arc::ptr_eq(from, image)
        {
            *image = Arc::clone(to);
            return;
        }
        let from = Arc::clone(image);
        let mut changed = image.as_ref().clone();
        let num_cut = cut_all(of_image(&mut changed));
        if num_cut > 0 {
            self.num_cut += num_cut;
            *image = Arc::new(changed);
        }
        self.last = Some((from, Arc::clone(image)));
    }
}

/// Cuts the names of images that were opened; what is to be listed for it.
pub(super) fn cut_images<'a>(
    images: impl IntoIterator<Item = &'a mut Arc<Image>>,
) -> Option<Problem> {
    let mut cut = Images::default();
    for image in images {
        cut.cut(image);
    }
    problem(cut.num_cut)
}

/// The same of a label image.
pub(super) fn cut_label(opened: &mut OpenedLabel) {
    opened
        .problems
        .extend(cut_images([&mut opened.label.image]));
}

fn problem(num_cut: usize) -> Option<Problem> {
    let most = limits::NAME_BYTES;
    let message = format!("names of more than {most} bytes are cut ({num_cut})");
    (num_cut > 0).then(|| Problem::new(Code::TooLarge, ".", message))
}

fn of_row(row: &mut Fov) -> impl Iterator<Item = &mut String> {
    let others = [&mut row.region, &mut row.row, &mut row.column];
    [&mut row.label]
        .into_iter()
        .chain(others.into_iter().flatten())
}

impl Dataset {
    /// With all names cut to [`limits::NAME_BYTES`], which is listed.
    #[must_use]
    pub fn with_short_names(mut self) -> Self {
        let mut num_cut = self.cut_rows() + cut(&mut self.name) + cut_all(&mut self.ngff);
        if let Some(run) = &mut self.acquisition {
            num_cut += cut_all(run.start_time.iter_mut().chain(&mut run.objective));
        }
        if let Some(plate) = &mut self.plate {
            let names = plate.rows.iter_mut().chain(&mut plate.columns);
            num_cut += cut_all(names.chain(&mut plate.format_name));
        }
        let mut images = Images::default();
        images.cut(&mut self.template);
        for slot in &mut self.images {
            if let ImageSlot::Opened(image) | ImageSlot::Stale(image) = slot {
                images.cut(image);
            }
        }
        let found = problem(num_cut + images.num_cut);
        self.add_problems(found.into_iter().collect());
        self
    }

    /// The table is made anew only where it has to be.
    fn cut_rows(&mut self) -> usize {
        let is_long = |row: &Fov| {
            let others = [&row.region, &row.row, &row.column];
            let others = others.into_iter().flatten().map(String::len).max();
            row.label.len().max(others.unwrap_or(0)) > limits::NAME_BYTES
        };
        if !self.fovs.iter().any(is_long) {
            return 0;
        }
        let mut rows = self.fovs.to_vec();
        let num_cut = cut_all(rows.iter_mut().flat_map(of_row));
        self.fovs = rows.into();
        num_cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{
            OpenedFov,
            testing::{Sizes, dataset, image},
        },
        model::FovId,
    };

    fn long() -> String {
        "\u{e4}".repeat(limits::NAME_BYTES)
    }

    fn check(name: &str) {
        assert!(name.len() <= limits::NAME_BYTES, "{}", name.len());
        assert!(name.starts_with('\u{e4}') && name.ends_with("\u{e4}\u{2026}"));
    }

    #[test]
    fn all_names_of_a_dataset_are_cut_and_counted() {
        let short = dataset(Sizes::default());
        let mut with_long = short.clone();
        with_long.name = long();
        let mut rows = with_long.fovs.to_vec();
        (rows[1].label, rows[1].region) = (long(), Some(long()));
        with_long.fovs = rows.into();
        let cut = with_long.with_short_names();
        check(&cut.name);
        check(&cut.fovs[1].label);
        check(cut.fovs[1].region.as_deref().expect("a region"));
        let found: Vec<_> = cut.problems.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(found, ["names of more than 4096 bytes are cut (3)"]);
        let unchanged = short.clone().with_short_names();
        assert!(Arc::ptr_eq(&unchanged.fovs, &short.fovs));
        assert!(Arc::ptr_eq(&unchanged.template, &short.template));
        assert_eq!(unchanged.problems, short.problems);
    }

    #[test]
    fn so_are_those_of_images_that_are_opened_later_which_stay_one_where_they_are() {
        let mut described = image(Sizes::default());
        described.channels[1].name = Some(long());
        described.axes[0].unit = Some(long());
        let described = Arc::new(described);
        let opened = OpenedFov {
            images: [0, 1]
                .map(|fov| (FovId(fov), Arc::clone(&described)))
                .into(),
            ..OpenedFov::default()
        };
        let dataset = dataset(Sizes::default()).with_opened(vec![(FovId(0), Ok(opened))]);
        let images = [0, 1].map(|fov| dataset.image(FovId(fov)).expect("opened"));
        check(images[0].channels[1].name.as_deref().expect("a name"));
        check(images[0].axes[0].unit.as_deref().expect("a unit"));
        assert!(Arc::ptr_eq(images[0], images[1]));
        let found = dataset.problems.iter().map(|it| it.message.as_str());
        assert!(found.eq(["names of more than 4096 bytes are cut (2)"]));
    }
}

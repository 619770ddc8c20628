//! Position on each axis: stepping, clamping, and what a person types.

use crate::{
    dataset::{Dataset, Fov, Image},
    model::{FovId, NavAxis},
};

/// Where on the axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Timepoint index.
    pub t: u32,
    /// The FOV, by id: growth never moves it.
    pub fov: FovId,
    /// z-slice index.
    pub z: u32,
    /// Position along all other axes, flattened.
    pub extra: u32,
}

impl Position {
    /// The first look: first timepoint, first FOV that can be shown, middle z-slice, where most is in focus.
    #[must_use]
    pub fn first(dataset: &Dataset) -> Self {
        let opened = dataset
            .order
            .iter()
            .copied()
            .find(|&fov| dataset.image(fov).is_some());
        let fov = opened.or_else(|| dataset.fov_at(0)).unwrap_or(FovId(0));
        Self {
            t: 0,
            fov,
            z: dataset.len_along(NavAxis::Z) / 2,
            extra: 0,
        }
    }

    /// Index along an axis; of FOVs the flat number of the display order.
    #[must_use]
    pub fn index(&self, axis: NavAxis, dataset: &Dataset) -> u32 {
        match axis {
            NavAxis::Time => self.t,
            NavAxis::Fov => dataset.flat_of(self.fov).unwrap_or(0),
            NavAxis::Z => self.z,
        }
    }

    /// The same position at another index of one axis, clamped to its ends.
    #[must_use]
    pub fn with_index(mut self, axis: NavAxis, index: u32, dataset: &Dataset) -> Self {
        let index = index.min(dataset.len_along(axis).saturating_sub(1));
        match axis {
            NavAxis::Time => self.t = index,
            NavAxis::Z => self.z = index,
            NavAxis::Fov => self.fov = dataset.fov_at(index).unwrap_or(self.fov),
        }
        self
    }

    /// So many steps along an axis; stops at the ends, or goes round.
    #[must_use]
    pub fn stepped(self, axis: NavAxis, steps: i64, goes_round: bool, dataset: &Dataset) -> Self {
        let length = i64::from(dataset.len_along(axis)).max(1);
        let wanted = i64::from(self.index(axis, dataset)).saturating_add(steps);
        let index = if goes_round {
            wanted.rem_euclid(length)
        } else {
            wanted.clamp(0, length - 1)
        };
        self.with_index(axis, u32::try_from(index).unwrap_or(0), dataset)
    }

    /// The same position inside the dataset's present sizes.
    #[must_use]
    pub fn clamped(self, dataset: &Dataset) -> Self {
        let fov = if dataset.fov(self.fov).is_some() {
            self.fov
        } else {
            Self::first(dataset).fov
        };
        let clamped = Self { fov, ..self };
        clamped
            .with_index(NavAxis::Time, self.t, dataset)
            .with_index(NavAxis::Z, self.z, dataset)
    }

    /// Where a typed text leads: `t7`, `z3`, `fov 12` or `fov12` (flat), `angle 2` (any further axis by its name), a FOV's
    /// label (`B3:2`), a region or well (its first FOV), in any case and combination, separated by spaces or commas; a name
    /// with spaces stands alone. Names come before indices. `None` where no part says anything; the axis is `None` where
    /// only further axes are named.
    #[must_use]
    pub fn going_to(self, text: &str, dataset: &Dataset) -> Option<(Self, Option<NavAxis>)> {
        let text = text.trim().to_lowercase();
        if let Some(fov) = named(&text, dataset) {
            return Some((Self { fov, ..self }, Some(NavAxis::Fov)));
        }
        let mut found = None;
        for word in words_of(&text, self.image(dataset)) {
            let (at, axis) = found.unwrap_or((self, None));
            found = match at.going_to_word(&word, dataset) {
                Some((at, axis)) => Some((at, Some(axis))),
                None => at.going_along_extra(&word, dataset).map(|at| (at, axis)),
            }
            .or(found);
        }
        found
    }

    fn image<'a>(&self, dataset: &'a Dataset) -> &'a Image {
        dataset.image(self.fov).unwrap_or(&dataset.template)
    }

    /// Where `angle2` leads along an axis of that name.
    fn going_along_extra(self, word: &str, dataset: &Dataset) -> Option<Self> {
        let image = self.image(dataset);
        let mut axes = image.extra_axes().enumerate();
        axes.find_map(|(nth, (name, _))| {
            let index = word
                .strip_prefix(name.to_lowercase().as_str())?
                .parse()
                .ok()?;
            let extra = image.extra_with(self.extra, nth, index);
            Some(Self { extra, ..self })
        })
    }

    fn going_to_word(self, word: &str, dataset: &Dataset) -> Option<(Self, NavAxis)> {
        if let Some(fov) = named(word, dataset) {
            return Some((Self { fov, ..self }, NavAxis::Fov));
        }
        let axes = [
            ("fov", NavAxis::Fov),
            ("t", NavAxis::Time),
            ("z", NavAxis::Z),
            ("", NavAxis::Fov),
        ];
        axes.into_iter().find_map(|(prefix, axis)| {
            let index = word.strip_prefix(prefix)?.parse().ok()?;
            Some((self.with_index(axis, index, dataset), axis))
        })
    }
}

/// The words of a text in lower case; the name of an axis and a number behind it are one.
fn words_of(text: &str, image: &Image) -> Vec<String> {
    let is_axis = |word: &str| {
        let mut extra = image.extra_axes();
        word == "fov" || extra.any(|(name, _)| name.to_lowercase() == word)
    };
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words: Vec<String> = Vec::new();
    let parts = text.split([' ', ',', ';', '=']);
    for part in parts.filter(|part| !part.is_empty()) {
        match words.last_mut() {
            Some(last) if is_axis(last) && is_number(part) => last.push_str(part),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// The FOV of that label, else the first one of that region or well; `name` is in lower case.
fn named(name: &str, dataset: &Dataset) -> Option<FovId> {
    let label = |fov: &FovId| {
        let row = dataset.fov(*fov);
        row.is_some_and(|row| row.label.to_lowercase() == name)
    };
    let region = |fov: &FovId| {
        let place = dataset.fov(*fov).and_then(Fov::place_name);
        place.is_some_and(|place| place.to_lowercase() == name)
    };
    let mut order = dataset.order.iter().copied();
    order.clone().find(label).or_else(|| order.find(region))
}

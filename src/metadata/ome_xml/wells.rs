//! Wells of a plate and the images in them: `Plate`, `Well`, `WellSample`, `PlateAcquisition` (schemas from 2008 on).
//!
//! Rows are called by letters and columns by numbers whatever the document's naming conventions: so wells lie on a plate
//! map. A field is counted within its well, because `WellSample` numbers count through the whole plate.

use std::collections::HashMap;

use roxmltree::Node;

use super::children;
use crate::model::{Code, Problem, limits};

/// Rows and columns beyond this are no plate's.
const MAX_WELLS_ALONG: u32 = 256;

/// Where an image lies on a plate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WellPlace {
    /// Row by letters.
    pub row: String,
    /// Column by number, from 1 on.
    pub column: String,
    /// Number within its well, from 0 on.
    pub field: u32,
    /// Place of its `PlateAcquisition` among those of the document.
    pub acquisition: Option<i64>,
}

/// The wells of all plates of a document, by the id of the image in them; the first place of an image counts.
pub(super) fn places(
    root: Node<'_, '_>,
    problems: &mut Vec<Problem>,
) -> (HashMap<String, WellPlace>, Vec<i64>) {
    let mut places = HashMap::new();
    let mut acquisitions = HashMap::new();
    let plates: Vec<_> = children(root, "Plate").collect();
    for acquisition in plates
        .iter()
        .flat_map(|plate| children(*plate, "PlateAcquisition"))
        .take(limits::CHANNELS)
        .enumerate()
    {
        let (number, node) = acquisition;
        for sample in children(node, "WellSampleRef").filter_map(|it| it.attribute("ID")) {
            acquisitions.entry(sample).or_insert(number as i64);
        }
    }
    if plates.len() > 1 {
        let message = format!("{} plates, their wells are shown as one", plates.len());
        problems.push(Problem::new(Code::Ignored, "Plate", message));
    }
    for well in plates.iter().flat_map(|plate| children(*plate, "Well")) {
        let index = |name: &str| {
            let index: u32 = well.attribute(name)?.trim().parse().ok()?;
            (index < MAX_WELLS_ALONG).then_some(index)
        };
        let (Some(row), Some(column)) = (index("Row"), index("Column")) else {
            let shown = well.attribute("ID").unwrap_or("Well");
            let message =
                "Row and Column are no place on a plate, its images are shown without a well";
            let location: String = shown.chars().take(60).collect();
            problems.push(Problem::new(Code::BadMetadata, location, message));
            continue;
        };
        let samples = children(well, "WellSample").filter_map(|sample| {
            let image = children(sample, "ImageRef").next()?.attribute("ID")?;
            Some((image, sample.attribute("ID")))
        });
        for (field, (image, sample)) in samples.enumerate() {
            let place = WellPlace {
                row: row_name(row),
                column: (column + 1).to_string(),
                field: u32::try_from(field).unwrap_or(u32::MAX),
                acquisition: sample.and_then(|id| acquisitions.get(id).copied()),
            };
            places.entry(image.to_owned()).or_insert(place);
        }
    }
    let mut numbers: Vec<i64> = acquisitions.into_values().collect();
    numbers.sort_unstable();
    numbers.dedup();
    (places, numbers)
}

/// A to Z, then AA.
fn row_name(mut index: u32) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + (index % 26) as u8);
        if index < 26 {
            break;
        }
        index = index / 26 - 1;
    }
    letters
        .iter()
        .rev()
        .map(|&letter| char::from(letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::row_name;

    #[test]
    fn rows_go_on_with_two_letters() {
        let names = [0, 25, 26, 31, 255].map(row_name);
        assert_eq!(names, ["A", "Z", "AA", "AF", "IV"]);
    }
}

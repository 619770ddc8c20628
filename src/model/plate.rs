//! Plates: names of wells, and the geometry of the standard formats.
//!
//! Squid does not copy its plate table into the acquisition folder; only `sample.wellplate_format` names it.

/// A well's name, split: `B3` is row `B`, column `3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WellName {
    /// Letters of the row, as written.
    pub row: String,
    /// Digits of the column, as written (`3`, `03`).
    pub column: String,
}

impl WellName {
    /// Splits `B3` or `AA12`; `None` where the name is not one or two letters and then digits.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (row, column) = name.split_at(letters);
        let is_well = (1..=2).contains(&letters)
            && (1..=3).contains(&column.len())
            && column.bytes().all(|b| b.is_ascii_digit());
        is_well.then(|| Self {
            row: row.to_ascii_uppercase(),
            column: column.to_owned(),
        })
    }

    /// Row index on the physical plate: A is 0, Z is 25, AA is 26.
    #[must_use]
    pub fn row_index(&self) -> Option<u32> {
        let mut index = 0_u32;
        for letter in self.row.bytes() {
            if !letter.is_ascii_uppercase() {
                return None;
            }
            index = index
                .checked_mul(26)?
                .checked_add(u32::from(letter - b'A') + 1)?;
        }
        index.checked_sub(1)
    }

    /// Column index on the physical plate: column 1 is 0.
    #[must_use]
    pub fn column_index(&self) -> Option<u32> {
        self.column.parse::<u32>().ok()?.checked_sub(1)
    }
}

/// A standard plate: rows, columns, distance of well centres in mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlateFormat {
    /// Rows of wells.
    pub num_rows: u32,
    /// Columns of wells.
    pub num_columns: u32,
    /// Distance of neighbouring well centres in mm.
    pub spacing_mm: f64,
}

impl PlateFormat {
    /// The standard formats, smallest first (ANSI/SLAS; spacing as in Squid's plate tables).
    pub const ALL: [Self; 6] = [
        Self {
            num_rows: 2,
            num_columns: 3,
            spacing_mm: 39.2,
        },
        Self {
            num_rows: 3,
            num_columns: 4,
            spacing_mm: 26.0,
        },
        Self {
            num_rows: 4,
            num_columns: 6,
            spacing_mm: 19.3,
        },
        Self {
            num_rows: 8,
            num_columns: 12,
            spacing_mm: 9.0,
        },
        Self {
            num_rows: 16,
            num_columns: 24,
            spacing_mm: 4.5,
        },
        Self {
            num_rows: 32,
            num_columns: 48,
            spacing_mm: 2.25,
        },
    ];

    /// The smallest standard format that has a well at those indices.
    #[must_use]
    pub fn smallest_with(row_idx: u32, column_idx: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|plate| row_idx < plate.num_rows && column_idx < plate.num_columns)
    }
}

/// The plate of a dataset: rows and columns that exist, in natural order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plate {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Ids of the acquisitions that the plate metadata lists.
    pub acquisitions: Vec<i64>,
    /// `sample.wellplate_format` as Squid names it ("96 well plate").
    pub format_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wells_are_placed_by_name() {
        let check = |name: &str, row, column| {
            let well = WellName::parse(name).expect("a well");
            assert_eq!(
                (well.row_index(), well.column_index()),
                (Some(row), Some(column)),
                "{name}"
            );
        };
        check("A1", 0, 0);
        check("b03", 1, 2);
        check("AF48", 31, 47);
        assert_eq!(WellName::parse("manual0"), None);
        assert_eq!(WellName::parse("A"), None);
        assert_eq!(
            WellName::parse("A0").and_then(|well| well.column_index()),
            None
        );
    }

    #[test]
    fn the_smallest_plate_with_a_well_is_found() {
        assert_eq!(
            PlateFormat::smallest_with(7, 11).map(|plate| plate.num_rows),
            Some(8)
        );
        assert_eq!(
            PlateFormat::smallest_with(31, 47).map(|plate| plate.num_rows),
            Some(32)
        );
        assert_eq!(PlateFormat::smallest_with(32, 0), None);
    }
}

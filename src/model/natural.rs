//! Natural order of names: 2 before 10, A2 before A10, Z before AA.

use std::cmp::Ordering;

/// Compares names the way people sort them.
///
/// Runs of digits compare as numbers. Where a whole name is letters then digits (a well), shorter letters come first
/// (`Z9` before `AA1`). Equal numbers with other padding (`1`, `01`) fall back to the text, so the order is total.
#[must_use]
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    if let (Some((row_a, _)), Some((row_b, _))) = (well_parts(a), well_parts(b)) {
        let rows = row_a.len().cmp(&row_b.len()).then_with(|| row_a.cmp(row_b));
        if rows != Ordering::Equal {
            return rows;
        }
    }
    by_runs(a, b).then_with(|| a.cmp(b))
}

/// Upper-case letters and the digits that may follow, if the name is nothing else.
fn well_parts(name: &str) -> Option<(&str, &str)> {
    let letters = name.bytes().take_while(u8::is_ascii_uppercase).count();
    let (row, column) = name.split_at(letters);
    let is_well = (1..=2).contains(&letters) && column.bytes().all(|b| b.is_ascii_digit());
    is_well.then_some((row, column))
}

/// Compares run by run: digits as numbers, the rest as text.
fn by_runs(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let (run_a, rest_a) = first_run(a);
        let (run_b, rest_b) = first_run(b);
        let both_numbers =
            run_a.as_bytes()[0].is_ascii_digit() && run_b.as_bytes()[0].is_ascii_digit();
        let order = if both_numbers {
            number_cmp(run_a, run_b)
        } else {
            run_a.cmp(run_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().cmp(&b.len())
}

/// The longest prefix of only digits or of only other characters; `text` is not empty.
fn first_run(text: &str) -> (&str, &str) {
    let digits = text.as_bytes()[0].is_ascii_digit();
    let end = text
        .find(|ch: char| ch.is_ascii_digit() != digits)
        .unwrap_or(text.len());
    text.split_at(end)
}

/// Compares digit strings of any length as numbers.
fn number_cmp(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(sorted: &[&str]) {
        let mut names = sorted.to_vec();
        names.reverse();
        names.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(names, sorted);
    }

    #[test]
    fn names_sort_as_people_sort_them() {
        check(&["A1", "A2", "A10", "B1", "Z9", "AA1", "AF48"]);
        check(&["A", "B", "Z", "AA", "AB"]);
        check(&["fov_0.ome.zarr", "fov_2.ome.zarr", "fov_10.ome.zarr"]);
        check(&["manual", "manual0", "manual2", "manual10"]);
        check(&["01", "1", "02", "99999999999999999999999"]);
    }

    proptest! {
        #[test]
        fn numbers_inside_a_name_sort_as_numbers(
            (before, after) in ("[a-z_]{0,4}", "[a-z_.]{0,4}"),
            (a, b) in (any::<u64>(), any::<u64>()),
            (padding_a, padding_b) in (0_usize..4, 0_usize..4),
        ) {
            let name = |number: u64, padding| format!("{before}{}{number}{after}", "0".repeat(padding));
            let order = natural_cmp(&name(a, padding_a), &name(b, padding_b));
            if a == b {
                prop_assert_eq!(order == Ordering::Equal, padding_a == padding_b);
            } else {
                prop_assert_eq!(order, a.cmp(&b));
            }
        }

        #[test]
        fn wells_sort_by_row_then_column((rows, columns) in ((0_u32..702, 0_u32..702), (1_u32..99, 1_u32..99))) {
            let letter = |index: u32| char::from(b'A' + index as u8);
            let row = |index: u32| match index.checked_sub(26) {
                None => letter(index).to_string(),
                Some(rest) => [letter(rest / 26), letter(rest % 26)].iter().collect(),
            };
            let well = |index, column| format!("{}{column}", row(index));
            let order = natural_cmp(&well(rows.0, columns.0), &well(rows.1, columns.1));
            prop_assert_eq!(order, (rows.0, columns.0).cmp(&(rows.1, columns.1)));
        }

        #[test]
        fn the_order_is_total_whatever_the_names(mut names in proptest::collection::vec(".{0,6}", 3)) {
            names.sort_by(|a, b| natural_cmp(a, b));
            prop_assert_ne!(natural_cmp(&names[0], &names[2]), Ordering::Greater);
            prop_assert_eq!(natural_cmp(&names[0], &names[1]) == Ordering::Equal, names[0] == names[1]);
        }

        #[test]
        fn the_order_is_total(mut names in proptest::collection::vec("[A-C0-2a_]{0,4}", 3)) {
            names.sort_by(|a, b| natural_cmp(a, b));
            prop_assert_ne!(natural_cmp(&names[0], &names[1]), Ordering::Greater);
            prop_assert_ne!(natural_cmp(&names[1], &names[2]), Ordering::Greater);
            prop_assert_ne!(natural_cmp(&names[0], &names[2]), Ordering::Greater);
            prop_assert_eq!(natural_cmp(&names[0], &names[1]), natural_cmp(&names[1], &names[0]).reverse());
        }
    }
}

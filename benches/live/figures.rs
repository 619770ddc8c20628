//! Times that are looked at one by one: percentiles, and a histogram; and the book that a part's figures go into.

use std::{fs, io, path::Path, time::Duration};

use serde_json::{Map, Value};

/// Bars of the histogram are this wide, in milliseconds.
const BIN_MS: f64 = 10.0;
/// Times beyond are in the last bar.
const MAX_BINS: usize = 12;

/// The figures of a part by name, the unit at its end: printed, and kept for `scripts/bench` to compare.
#[derive(Default)]
pub(crate) struct Book(Map<String, Value>);

impl Book {
    /// Times, by their median and 99th percentile.
    pub(crate) fn times(&mut self, name: &str, figures: &Figures) {
        figures.print(name);
        for (what, part) in [("median", 0.5), ("99 %", 0.99)] {
            self.keep(format!("{name}, {what}, ms"), figures.percentile(part));
        }
    }

    /// A single figure.
    pub(crate) fn figure(&mut self, name: &str, value: f64, unit: &str) {
        println!("{name}: {value:.1} {unit}");
        self.keep(format!("{name}, {unit}"), value);
    }

    fn keep(&mut self, name: String, value: f64) {
        self.0.insert(name, value.into());
    }

    /// Writes what was found, if anything was, as one JSON object.
    pub(crate) fn write(self, path: &Path) -> io::Result<()> {
        let Some(folder) = path.parent().filter(|_| !self.0.is_empty()) else {
            return Ok(());
        };
        fs::create_dir_all(folder)?;
        fs::write(path, Value::Object(self.0).to_string())
    }
}

/// Milliseconds, sorted.
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn new(times: &[Duration]) -> Self {
        let mut ms: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        ms.sort_by(f64::total_cmp);
        Self(ms)
    }

    /// The time that this part of all is not above; 0.5 is the median.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let at = (self.0.len() as f64 * part).ceil() as usize;
        let last = self.0.len().saturating_sub(1);
        self.0
            .get(at.saturating_sub(1).min(last))
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// One line.
    fn print(&self, name: &str) {
        println!(
            "{name}: median {:.1} ms, 95 % {:.1} ms, 99 % {:.1} ms, longest {:.1} ms, {} times",
            self.percentile(0.5),
            self.percentile(0.95),
            self.percentile(0.99),
            self.percentile(1.0),
            self.0.len(),
        );
    }

    /// One bar per 10 ms.
    pub(crate) fn print_histogram(&self) {
        let mut bins = [0_usize; MAX_BINS];
        for ms in &self.0 {
            bins[((ms / BIN_MS) as usize).min(MAX_BINS - 1)] += 1;
        }
        let used = bins.iter().rposition(|&count| count > 0).unwrap_or(0);
        for (bin, count) in bins.iter().enumerate().take(used + 1) {
            let bar = "#".repeat(60 * count / self.0.len());
            println!("  {:>4} ms {count:>4} {bar}", bin as f64 * BIN_MS);
        }
    }
}

//! Figures with units, as rows of a Markdown table or as one JSON object.

use std::fmt;

use anyhow::Result;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
}

/// Figures that one command measured.
#[derive(Default)]
pub(super) struct Report(Vec<Figure>);

impl Report {
    pub(super) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Figure { name: name.into(), value, unit });
    }

    /// Adds the load average before the measurement. On a busy machine, only ratios are meaningful.
    pub(super) fn add_load(&mut self) {
        let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = text.split(' ').next().and_then(|load| load.parse().ok());
        self.add("load average before", load.unwrap_or(f64::NAN), "");
    }
}

/// Formats a number with at least three significant digits and separators between thousands.
fn round(value: f64) -> String {
    let decimals = match value.abs() {
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Figure { name, value, unit } in &self.0 {
            writeln!(f, "| {name} | {} {unit} |", round(*value))?;
        }
        Ok(())
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for Figure { name, value, unit } in &self.0 {
            let separator = if unit.is_empty() { "" } else { ", " };
            map.serialize_entry(&format!("{name}{separator}{unit}"), value)?;
        }
        map.end()
    }
}

/// Returns the value at the given percentile, or 0 if there are no values. Sorts `values`.
pub(super) fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_at_least_and_thousands_apart() {
        let shown = [0.126, 12.34, 999.6, 1_234_567.0].map(round);
        assert_eq!(shown, ["0.13", "12.3", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 50), 101.0);
        assert_eq!(percentile(&mut values, 99), 199.0);
        assert_eq!(percentile(&mut [3.0], 99), 3.0);
        assert_eq!(percentile(&mut [], 50), 0.0);
    }
}

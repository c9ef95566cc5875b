//! Rows of numbers: cells of a table, or members of a JSON object.

/// A number of a row.
pub(crate) struct Number {
    /// Its column.
    pub(crate) head: &'static str,
    /// In JSON.
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    /// Digits behind the point, in the table and in JSON.
    pub(crate) digits: (usize, usize),
    /// In the table, with the blank before it.
    pub(crate) unit: &'static str,
}

/// The row's columns, and the line below them, as far as they are numbers.
pub(crate) fn heads(numbers: &[Number]) -> [String; 2] {
    let heads: String = numbers.iter().map(|number| format!(" {} |", number.head)).collect();
    [heads, "---|".repeat(numbers.len())]
}

/// The end of a table's row.
pub(crate) fn cells(numbers: &[Number]) -> String {
    let cell = |n: &Number| format!(" {:.*}{} |", n.digits.0, n.value, n.unit);
    numbers.iter().map(cell).collect()
}

/// The members of an object.
pub(crate) fn members(numbers: &[Number]) -> String {
    let member = |n: &Number| format!("\"{}\":{:.*}", n.name, n.digits.1, n.value);
    numbers.iter().map(member).collect::<Vec<_>>().join(",")
}

/// Prints objects, given without their braces, as an array.
pub(crate) fn print_json(rows: impl Iterator<Item = String>) {
    println!("[\n{}\n]", rows.map(|row| format!("{{{row}}}")).collect::<Vec<_>>().join(",\n"));
}

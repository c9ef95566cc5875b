//! Where text is: from regions to the settings of cues (WebVTT, section 4.4).

use super::style::{Align, Along, Style};

/// Percent within which a place is as good as where WebVTT puts text anyway.
const NEAR: f64 = 3.0;

/// Percent of the height below which text that stands at the bottom of its region is left to WebVTT, which
/// puts it at the bottom and above what players show there.
const BOTTOM: f64 = 80.0;

/// The settings of a cue in a region, whose text has a style.
pub(super) fn settings(region: Option<Style>, text: Style) -> String {
    let mut settings = Vec::new();
    let region = region.unwrap_or_default();
    if let Some(columns) = region.columns {
        return format!("vertical:{columns}");
    }
    let area = region.origin.zip(region.extent);
    if let Some(((_, y), (_, height))) = area {
        match region.along.unwrap_or(Along::Before) {
            Along::Before => settings.push(format!("line:{}", percent(y))),
            Along::Center => settings.push(format!("line:{},center", percent(y + height / 2.0))),
            Along::After if y + height < BOTTOM => settings.push(format!("line:{},end", percent(y + height))),
            Along::After => {}
        }
    }
    let align = match (text.align, area) {
        (Some(align), _) => align,
        (None, Some(_)) => Align::Start,
        (None, None) => Align::Center,
    };
    if let Some(((x, _), (width, _))) = area {
        let place = match align {
            Align::Start | Align::Left => x,
            Align::Center => x + width / 2.0,
            Align::Right | Align::End => x + width,
        };
        if align != Align::Center || (place - 50.0).abs() > NEAR {
            settings.push(format!("position:{}", percent(place)));
            settings.push(format!("size:{}", percent(width)));
        }
    }
    match align {
        Align::Center => {}
        Align::Start => settings.push("align:start".to_owned()),
        Align::Left => settings.push("align:left".to_owned()),
        Align::Right => settings.push("align:right".to_owned()),
        Align::End => settings.push("align:end".to_owned()),
    }
    settings.join(" ")
}

fn percent(number: f64) -> String {
    format!("{}%", number.clamp(0.0, 100.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_become_places() {
        let region = |origin, extent, along| {
            Some(Style { origin: Some(origin), extent: Some(extent), along: Some(along), ..Style::default() })
        };
        let aligned = |align| Style { align: Some(align), ..Style::default() };
        let bottom = region((10.0, 70.0), (80.0, 20.0), Along::After);
        let top = region((10.0, 10.0), (80.0, 20.0), Along::Before);
        assert_eq!(settings(None, Style::default()), "");
        assert_eq!(settings(None, aligned(Align::Left)), "align:left");
        assert_eq!(settings(bottom, aligned(Align::Center)), "", "where text is anyway");
        assert_eq!(settings(top, aligned(Align::Center)), "line:10%");
        assert_eq!(settings(bottom, aligned(Align::Left)), "position:10% size:80% align:left");
        assert_eq!(settings(bottom, Style::default()), "position:10% size:80% align:start");
        assert_eq!(
            settings(region((50.0, 0.0), (50.0, 50.0), Along::After), aligned(Align::Center)),
            "line:50%,end position:75% size:50%"
        );
        assert_eq!(
            settings(region((0.0, 40.0), (100.0, 20.0), Along::Center), aligned(Align::End)),
            "line:50%,center position:100% size:100% align:end"
        );
        let far = region((-900.0, 900.0), (1.0, 1.0), Along::Before);
        assert_eq!(settings(far, aligned(Align::Center)), "line:100% position:0% size:1%");
        let columns = Some(Style { columns: Some("rl"), ..Style::default() });
        assert_eq!(settings(columns, Style::default()), "vertical:rl");
    }
}

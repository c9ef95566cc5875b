//! RGB to I420, BT.709, limited range.

use tiny_skia::Pixmap;

/// Luma and colour differences of one pixel, not yet rounded.
fn convert(pixel: &[u8]) -> [f32; 3] {
    let [red, green, blue] = [0, 1, 2].map(|i| f32::from(pixel[i]) / 255.0);
    let luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    [16.0 + 219.0 * luma, 128.0 + 224.0 * (blue - luma) / 1.8556, 128.0 + 224.0 * (red - luma) / 1.5748]
}

/// The planes Y, U, V one after another, the colour planes at half width and height.
pub(crate) fn i420(picture: &Pixmap) -> Vec<u8> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels: Vec<[f32; 3]> = picture.data().chunks_exact(4).map(convert).collect();
    let mut out: Vec<u8> = pixels.iter().map(|yuv| yuv[0].round() as u8).collect();
    for plane in [1, 2] {
        for row in (0..height).step_by(2) {
            for column in (0..width).step_by(2) {
                let at = row * width + column;
                let sum: f32 =
                    [at, at + 1, at + width, at + width + 1].iter().map(|&i| pixels[i][plane]).sum();
                out.push((sum / 4.0).round() as u8);
            }
        }
    }
    out
}

//! `stbl` tables in all their forms, built by hand.

use isobmff::{BoxWriter, Boxes, Error, SampleTable, TableSample};

struct Tables<'a> {
    durations: &'a [(u32, u32)],
    compositions: Option<(u8, &'a [(u32, i32)])>,
    sync: Option<&'a [u32]>,
    to_chunk: &'a [(u32, u32, u32)],
    chunks: &'a [u64],
    wide: bool,
    fixed_size: u32,
    sizes: &'a [u32],
}

fn read(tables: &Tables<'_>, file_len: u64) -> Result<Vec<TableSample>, Error> {
    let mut out = BoxWriter::new();
    out.boxed(b"stbl", |out| {
        out.full_box(b"stts", 0, 0, |out| {
            out.u32(tables.durations.len() as u32);
            tables
                .durations
                .iter()
                .for_each(|&(count, duration)| [count, duration].iter().for_each(|&v| out.u32(v)));
        });
        if let Some((version, compositions)) = tables.compositions {
            out.full_box(b"ctts", version, 0, |out| {
                out.u32(compositions.len() as u32);
                compositions.iter().for_each(|&(count, offset)| {
                    out.u32(count);
                    out.i32(offset);
                });
            });
        }
        if let Some(sync) = tables.sync {
            out.full_box(b"stss", 0, 0, |out| {
                out.u32(sync.len() as u32);
                sync.iter().for_each(|&number| out.u32(number));
            });
        }
        out.full_box(b"stsc", 0, 0, |out| {
            out.u32(tables.to_chunk.len() as u32);
            tables
                .to_chunk
                .iter()
                .for_each(|&(first, count, entry)| [first, count, entry].iter().for_each(|&v| out.u32(v)));
        });
        out.full_box(b"stsz", 0, 0, |out| {
            out.u32(tables.fixed_size);
            out.u32(tables.sizes.len() as u32);
            if tables.fixed_size == 0 {
                tables.sizes.iter().for_each(|&size| out.u32(size));
            }
        });
        out.full_box(if tables.wide { b"co64" } else { b"stco" }, 0, 0, |out| {
            out.u32(tables.chunks.len() as u32);
            tables.chunks.iter().for_each(|&at| if tables.wide { out.u64(at) } else { out.u32(at as u32) });
        });
    });
    let bytes = out.into_bytes();
    let stbl = Boxes::new(&bytes).next().unwrap().unwrap();
    SampleTable::parse(&stbl, file_len, 1000).map(|table| table.samples)
}

const BASE: Tables<'_> = Tables {
    durations: &[(2, 10), (3, 20)],
    compositions: None,
    sync: Some(&[1, 4]),
    to_chunk: &[(1, 2, 1), (2, 1, 2)],
    chunks: &[100, 1000, 2000, 3000],
    wide: false,
    fixed_size: 0,
    sizes: &[5, 6, 7, 8, 9],
};

#[test]
fn chunks_times_and_sync_samples() {
    let samples = read(&BASE, 1 << 20).unwrap();
    assert_eq!(samples.iter().map(|s| s.offset).collect::<Vec<_>>(), [100, 105, 1000, 2000, 3000]);
    assert_eq!(samples.iter().map(|s| s.decode_time).collect::<Vec<_>>(), [0, 10, 20, 40, 60]);
    assert_eq!(samples.iter().map(|s| s.sync).collect::<Vec<_>>(), [true, false, false, true, false]);
    assert_eq!(samples.iter().map(|s| s.description_index).collect::<Vec<_>>(), [1, 1, 2, 2, 2]);
    // Without stss, all are sync samples.
    assert!(read(&Tables { sync: None, ..BASE }, 1 << 20).unwrap().iter().all(|s| s.sync));
}

#[test]
fn co64_reaches_beyond_4_gib() {
    let far = 7_000_000_000;
    let tables = Tables { wide: true, chunks: &[100, 1000, 2000, far], ..BASE };
    assert_eq!(read(&tables, far + 9).unwrap()[4].offset, far);
    assert!(read(&tables, far + 8).is_err(), "the last byte is missing");
}

#[test]
fn composition_offsets_of_both_versions() {
    let offsets = |version, table: &[_]| {
        let tables = Tables { compositions: Some((version, table)), ..BASE };
        read(&tables, 1 << 20).unwrap().iter().map(|s| s.composition_offset).collect::<Vec<_>>()
    };
    assert_eq!(offsets(0, &[(1, 40), (4, 20)]), [40, 20, 20, 20, 20]);
    assert_eq!(offsets(1, &[(1, 0), (1, -20), (3, 10)]), [0, -20, 10, 10, 10]);
    // A table that ends early leaves the rest where they are decoded.
    assert_eq!(offsets(1, &[(1, 7)]), [7, 0, 0, 0, 0]);
}

#[test]
fn tables_that_do_not_fit() {
    let fixed = Tables { fixed_size: 50, ..BASE };
    assert_eq!(read(&fixed, 1 << 20).unwrap()[1].offset, 150);
    assert!(read(&fixed, 249).is_err(), "more bytes than the file has");
    let many = Tables {
        fixed_size: 1,
        sizes: &[0; 1001],
        durations: &[(1001, 1)],
        to_chunk: &[(1, 1001, 1)],
        ..BASE
    };
    assert!(read(&many, 1 << 20).is_err(), "more samples than are allowed");
    let fewer = Tables { sizes: &[0; 1000], ..many };
    assert_eq!(read(&fewer, 1 << 20).unwrap().len(), 1000);
    for wrong in [
        Tables { durations: &[(4, 10)], ..BASE },
        Tables { chunks: &[100, 1000], ..BASE },
        Tables { to_chunk: &[], ..BASE },
        Tables { to_chunk: &[(2, 1, 1)], ..BASE },
        Tables { to_chunk: &[(1, 0, 1)], ..BASE },
    ] {
        assert!(read(&wrong, 1 << 20).is_err());
    }
}

//! Every budget: what a file may make us allocate, and what the viewer keeps.
//!
//! Over a budget means a clean `too_large` before the allocation, never a failed one. `docs/limits.md` has the table with
//! what is shown and which test holds each; `tests/it/limits.rs` compares the two.

/// A plane up to this many pixels a side is one tile.
pub const WHOLE_PLANE_TILE_PX: u32 = 4096;
/// Tiles of larger planes are whole chunks up to about this many pixels a side.
pub const TILE_PX: u32 = 2048;
/// Bytes of a metadata document (JSON, YAML, XML).
pub const DOCUMENT_BYTES: u64 = 64 << 20;
/// What a JSON document holds, in values of up to 150 bytes of memory while it is read: a mapping counts as 8, a list as
/// 2, a key as 1. A plate of 1,536 wells has 25,000, the colours of [`LABEL_COLORS`] labels a million.
pub const JSON_VALUES: usize = 1 << 21;
/// Elements and texts of an XML document: a million planes of an OME-XML, with room.
pub const XML_NODES: u32 = 1 << 22;
/// Attributes of an XML document.
pub const XML_ATTRIBUTES: usize = 1 << 23;
/// Attributes of one element: the parser compares each with all others.
pub const XML_ATTRIBUTES_OF_ONE: usize = 128;
/// Prefixes of namespaces in an XML document: the parser copies those in scope for each element that declares one.
pub const XML_PREFIXES: usize = 32;
/// Elements and texts of `configurations.xml`: every channel of a microscope.
pub const SIDE_XML_NODES: u32 = 1 << 16;
/// Bytes of a YAML side file: 100,000 positions of 100 bytes each, with room.
pub const YAML_BYTES: usize = 16 << 20;
/// Values in a YAML side file, aliases counted by what they repeat.
pub const YAML_VALUES: usize = 1 << 21;
/// Mappings and lists inside each other in a YAML side file.
pub const YAML_DEPTH: usize = 32;
/// Rows of a table (`coordinates.csv`): what a document of 64 bytes a row holds.
pub const TABLE_ROWS: usize = 1 << 20;
/// Dimensions of an array.
pub const ARRAY_DIMENSIONS: usize = 16;
/// Pixels of one plane (2^36: 262,144 a side); only its tiles are ever in memory.
pub const PLANE_PIXELS: u64 = 1 << 36;
/// Samples of one (inner) chunk.
pub const CHUNK_SAMPLES: u64 = 1 << 29;
/// Bytes of one decoded (inner) chunk, and of one decoded plane that is exported whole.
pub const DECODED_BYTES: u64 = 2 << 30;
/// Bytes that all reads together decode into at once; one that needs more than a quarter of them shares with no other such
/// one, and is let in beside the rest.
pub const DECODING_BYTES: u64 = 1 << 30;
/// Inner chunks of a shard.
pub const SHARD_CHUNKS: u64 = 1 << 22;
/// Bytes of the indices of all shards that one tile is read from, kept or not; a read holds the needed entries alone.
pub const SHARD_INDEX_BYTES: u64 = 1 << 30;
/// Bytes of the indices of shards that are kept, of all shards together; one that takes more than half of them is not.
pub const KEPT_INDEX_BYTES: usize = 64 << 20;
/// Chunks that one tile may consist of.
pub const TILE_CHUNKS: u64 = 1 << 18;
/// Pages of one TIFF file; the offset of each is kept.
pub const PAGES: usize = 1 << 20;
/// Offsets of pages that are kept, of all TIFF files together; a file counts as 128 beside its pages.
pub const KEPT_PAGES: usize = 1 << 22;
/// Tags of one directory of a TIFF file; the most that anybody writes are some dozens.
pub const TIFF_TAGS: u64 = 4096;
/// Numbers of one tag of a TIFF file: the offsets of so many strips or tiles. They are read for each tile of a plane; a
/// page of [`CHUNK_SAMPLES`] pixels has as many where a strip or tile has 2,048 pixels.
pub const TIFF_VALUES: u64 = 1 << 18;
/// Bytes of a file that is read whole.
pub const FILE_BYTES: u64 = 4 << 30;
/// What of a PNG or JPEG file is passed over on the way to its samples: profiles, texts, previews.
pub const IMAGE_METADATA_BYTES: u64 = 16 << 20;
/// Decoded bytes of an image file, or of a strip or tile of TIFF, however few encoded ones there are: 4,096 x 4,096 samples
/// of 8 bytes.
pub const FREE_DECODED_BYTES: u64 = 128 << 20;
/// Decoded bytes beyond these for each encoded one. Deflate makes 1,032 of a byte where all are equal; of pictures of
/// anything a few, of masks some dozens.
pub const DECODED_PER_ENCODED: u64 = 256;
/// Scans of a JPEG file; libjpeg writes 10 of a progressive one.
pub const JPEG_SCANS: usize = 100;
/// Decoded image files, strips and tiles that are kept until all of their parts were read; the last one is kept however
/// large it is.
pub const KEPT_DECODED_BYTES: usize = 128 << 20;
/// FOVs of a dataset: a plate of 1536 wells with 170 each. A row of the table takes about 500 bytes.
pub const FOVS: usize = 1 << 18;
/// FOVs inside of one array, a scan region: a length that nobody wrote costs no more than a large plate.
pub const ARRAY_FOVS: u64 = 1 << 16;
/// Bytes of a name that is shown: of a channel, a FOV, a well.
pub const NAME_BYTES: usize = 4 << 10;
/// Bytes of a path that metadata names: Linux takes no longer one, and each of its folders is looked at.
pub const PATH_BYTES: usize = 4 << 10;
/// Bytes of the paths of all fields of a plate, each below it: a well's document may be that of thousands, by links.
pub const FIELD_PATH_BYTES: usize = 64 << 20;
/// Entries of one folder that are listed.
pub const FOLDER_ENTRIES: usize = 1 << 21;
/// Channels of an image.
pub const CHANNELS: usize = 1024;
/// Colours that a label image gives to single labels.
pub const LABEL_COLORS: usize = 1 << 16;
/// Label images of an image.
pub const LABELS: usize = 256;
/// Pyramid levels of an image, stored and computed.
pub const LEVELS: usize = 32;
/// Folders below a path that are searched for images when nothing names them.
pub const SEARCH_DEPTH: usize = 6;
/// Folders that a search looks into before it stops: an acquisition in TIFF files has one per timepoint.
pub const SEARCH_FOLDERS: usize = 20_000;
/// Entries of all folders that a search looks at.
pub const SEARCH_ENTRIES: usize = 1 << 22;
/// Seconds that a search takes: links may lead through a whole machine.
pub const SEARCH_SECS: u64 = 15;
/// Problems of a dataset that are listed; the last place says that there are more.
pub const PROBLEMS: usize = 1000;
/// Timepoints that a notice may name where no plan says how many there are.
pub const TIMEPOINTS: u32 = 1 << 16;
/// z-slices of an announced acquisition.
pub const Z_SLICES: u32 = 1 << 16;
/// Pixels a side of an announced plane.
pub const ANNOUNCED_SIDE_PX: u32 = 1 << 18;
/// Bytes of pixels that are handed over in memory and kept; the oldest go first.
pub const REGISTERED_BYTES: usize = 512 << 20;
/// Planes that are registered one by one in one acquisition.
pub const REGISTERED_PLANES: usize = 1 << 22;
/// Planes of a dataset that the disk watch looks for one by one in going through it.
pub const SURVEYED_PLANES: u64 = 1 << 26;
/// Reader threads in all, those included that a disk does not answer.
pub const READERS: usize = 64;
/// Reads of one dataset that its disk does not answer; then no further one is begun until one of them returns.
pub const STUCK_READS: usize = 8;
/// Planes that cannot be read and have a line in the log each; further ones are counted.
pub const LOGGED_FAILURES: usize = 100;

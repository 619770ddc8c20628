//! Textures of raw samples, one per tile: bounded in bytes, least recently drawn out first, recycled where they fit.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use eframe::wgpu;

use crate::model::{
    DatasetId, MemoryOrder, Pixels, SampleType, Samples, TileId, WorkStage, folded_labels,
};

/// Bytes of textures that are kept; what a frame needs is kept whatever it takes.
const MAX_BYTES: usize = 256 << 20;
/// The same of a driver without a graphics card, whose textures are copies beside their samples, in the same memory.
const MAX_BYTES_IN_SOFTWARE: usize = 16 << 20;
/// Bytes that are brought to the GPU before one frame: a frame of eight channels that fit the window waits for no other.
const MAX_STAGED_BYTES: usize = 16 << 20;
/// Textures without a tile that wait for one of their size.
const MAX_SPARE: usize = 8;

/// What a texture is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TextureKey {
    pub(super) dataset: DatasetId,
    pub(super) tile: TileId,
    pub(super) revision: u64,
}

struct Held {
    /// What was uploaded: a tile that was read again (partly written ones are) is another picture of the same name. A
    /// `Weak` keeps its address from being taken by another.
    source: Weak<Pixels>,
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    bytes: usize,
    last_frame: u64,
}

/// Textures of raw samples.
pub(super) struct Textures {
    held: HashMap<TextureKey, Held>,
    spare: Vec<Held>,
    bytes: usize,
    /// The most that they have taken so far.
    most_bytes: usize,
    /// The most that they may keep.
    max_bytes: usize,
    frame: u64,
}

impl Textures {
    pub(super) fn new(device: &wgpu::Device) -> Self {
        let is_software = device.adapter_info().device_type == wgpu::DeviceType::Cpu;
        Self {
            held: HashMap::new(),
            spare: Vec::new(),
            bytes: 0,
            most_bytes: 0,
            max_bytes: if is_software {
                MAX_BYTES_IN_SOFTWARE
            } else {
                MAX_BYTES
            },
            frame: 0,
        }
    }

    /// Begins a frame, or what is staged for it: what is asked for from now on stays.
    pub(super) fn begin(&mut self) {
        self.frame += 1;
    }

    /// The view of a tile's texture, uploaded where it is new.
    pub(super) fn view(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        key: TextureKey,
        pixels: &Arc<Pixels>,
    ) -> wgpu::TextureView {
        let frame = self.frame;
        if self.holds(&key, pixels)
            && let Some(held) = self.held.get_mut(&key)
        {
            held.last_frame = frame;
            return held.view.clone();
        }
        if let Some(old) = self.held.remove(&key) {
            self.bytes -= old.bytes;
            self.spare.push(old);
        }
        let _uploading = WorkStage::Upload.enter();
        let is_label = key.tile.plane.layer != 0;
        let folded = is_label.then(|| folded_labels(pixels.samples())).flatten();
        let held = self.upload(device, queue, pixels, folded.as_deref());
        let view = held.view.clone();
        self.bytes += held.bytes;
        self.held.insert(key, held);
        view
    }

    /// Where there is no room for another one: the texture that fits and was not drawn for longest.
    fn take_idle(&mut self, fits: impl Fn(&Held) -> bool) -> Option<Held> {
        if self.bytes < self.max_bytes {
            return None;
        }
        let idle = self.held.iter();
        let idle = idle.filter(|(_, held)| self.is_idle(held) && fits(held));
        let (&key, _) = idle.min_by_key(|(_, held)| held.last_frame)?;
        let held = self.held.remove(&key)?;
        self.bytes -= held.bytes;
        Some(held)
    }

    /// Asked for neither since the last [`Self::begin`] nor between that and the one before: staging and drawing begin by
    /// turns, and neither takes what the other one needs.
    fn is_idle(&self, held: &Held) -> bool {
        held.last_frame + 1 < self.frame
    }

    /// Brings tiles to the GPU that are about to be drawn, the first ones first, up to [`MAX_STAGED_BYTES`] and at least one.
    /// False for each that has to wait for the next call.
    pub(super) fn stage(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        tiles: impl Iterator<Item = (TextureKey, Arc<Pixels>)>,
    ) -> Vec<bool> {
        self.begin();
        let mut uploaded = 0;
        let staged = tiles.map(|(key, pixels)| {
            if !self.holds(&key, &pixels) {
                let would_be = uploaded + pixels.num_bytes();
                if uploaded > 0 && would_be > MAX_STAGED_BYTES {
                    return false;
                }
                uploaded = would_be;
            }
            self.view(device, queue, key, &pixels);
            true
        });
        let staged = staged.collect();
        self.end();
        staged
    }

    fn holds(&self, key: &TextureKey, pixels: &Arc<Pixels>) -> bool {
        let held = self.held.get(key);
        held.is_some_and(|held| std::ptr::eq(held.source.as_ptr(), Arc::as_ptr(pixels)))
    }

    /// Ends a frame: textures beyond the bound leave, those not drawn for longest first.
    pub(super) fn end(&mut self) {
        if self.bytes > self.most_bytes {
            self.most_bytes = self.bytes;
            // For scripts/soak: what a driver takes for them is not told by every system.
            tracing::debug!("textures take {} bytes, more than before", self.bytes);
        }
        if self.bytes <= self.max_bytes {
            return;
        }
        let idle = self.held.iter().filter(|(_, held)| self.is_idle(held));
        let mut idle: Vec<_> = idle.map(|(key, held)| (held.last_frame, *key)).collect();
        idle.sort_unstable_by_key(|(last_frame, _)| *last_frame);
        for (_, key) in idle {
            if self.bytes <= self.max_bytes {
                break;
            }
            if let Some(held) = self.held.remove(&key) {
                self.bytes -= held.bytes;
                self.spare.push(held);
            }
        }
        let surplus = self.spare.len().saturating_sub(MAX_SPARE);
        self.spare.drain(..surplus);
    }

    /// Drops every texture of a dataset.
    pub(super) fn forget(&mut self, dataset: DatasetId) {
        self.held.retain(|key, _| key.dataset != dataset);
        self.bytes = self.held.values().map(|held| held.bytes).sum();
        self.spare.clear();
    }

    /// Bytes of textures that hold a tile.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// `folded`: labels of 64 bits as what they are drawn by.
    fn upload(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pixels: &Arc<Pixels>,
        folded: Option<&[u32]>,
    ) -> Held {
        let format = match folded {
            Some(_) => wgpu::TextureFormat::R32Uint,
            None => format_of(pixels.sample_type()),
        };
        // A column-major tile is uploaded as it lies; the shader swaps coordinates.
        let (width, height) = match pixels.order() {
            MemoryOrder::RowMajor => (pixels.width(), pixels.height()),
            MemoryOrder::ColumnMajor => (pixels.height(), pixels.width()),
        };
        let fits = |held: &Held| {
            held.texture.format() == format
                && (held.texture.width(), held.texture.height()) == (width, height)
        };
        let spare = self.spare.iter().position(fits);
        let spare = spare.map(|at| self.spare.swap_remove(at));
        let held = spare
            .or_else(|| self.take_idle(fits))
            .unwrap_or_else(|| create(device, format, width, height));
        if let Some(folded) = folded {
            write(queue, &held.texture, bytemuck::cast_slice(folded));
            return Held {
                source: Arc::downgrade(pixels),
                last_frame: self.frame,
                ..held
            };
        }
        match pixels.samples() {
            Samples::U64(v) => write(
                queue,
                &held.texture,
                bytemuck::cast_slice(&narrowed(v, |s| s as f32)),
            ),
            Samples::I64(v) => write(
                queue,
                &held.texture,
                bytemuck::cast_slice(&narrowed(v, |s| s as f32)),
            ),
            Samples::F64(v) => write(
                queue,
                &held.texture,
                bytemuck::cast_slice(&narrowed(v, |s| s as f32)),
            ),
            other => write(queue, &held.texture, other.as_bytes()),
        }
        Held {
            source: Arc::downgrade(pixels),
            last_frame: self.frame,
            ..held
        }
    }
}

/// The format that holds a sample type raw; 64-bit samples are narrowed to f32.
pub(super) fn format_of(sample_type: SampleType) -> wgpu::TextureFormat {
    match sample_type {
        SampleType::Bool | SampleType::U8 => wgpu::TextureFormat::R8Uint,
        SampleType::I8 => wgpu::TextureFormat::R8Sint,
        SampleType::U16 => wgpu::TextureFormat::R16Uint,
        SampleType::I16 => wgpu::TextureFormat::R16Sint,
        SampleType::U32 => wgpu::TextureFormat::R32Uint,
        SampleType::I32 => wgpu::TextureFormat::R32Sint,
        SampleType::F16 => wgpu::TextureFormat::R16Float,
        SampleType::F32 | SampleType::U64 | SampleType::I64 | SampleType::F64 => {
            wgpu::TextureFormat::R32Float
        }
    }
}

fn narrowed<T: Copy>(samples: &[T], narrow: impl Fn(T) -> f32) -> Vec<f32> {
    samples.iter().map(|&sample| narrow(sample)).collect()
}

/// A texture of one layer and one level. `label`: what debuggers call it.
pub(super) fn texture(
    device: &wgpu::Device,
    label: &str,
    format: wgpu::TextureFormat,
    (width, height): (u32, u32),
    usage: wgpu::TextureUsages,
) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some(label),
        size: wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage,
        view_formats: &[],
    })
}

fn create(device: &wgpu::Device, format: wgpu::TextureFormat, width: u32, height: u32) -> Held {
    let usage = wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST;
    let texture = texture(device, "squidview tile", format, (width, height), usage);
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
    let texel_bytes = format.block_copy_size(None).unwrap_or(4) as usize;
    Held {
        source: Weak::new(),
        texture,
        view,
        bytes: width as usize * height as usize * texel_bytes,
        last_frame: 0,
    }
}

fn write(queue: &wgpu::Queue, texture: &wgpu::Texture, bytes: &[u8]) {
    let size = texture.size();
    queue.write_texture(
        texture.as_image_copy(),
        bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(
                u32::try_from(bytes.len()).unwrap_or(u32::MAX) / size.height.max(1),
            ),
            rows_per_image: None,
        },
        size,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        canvas::testing::device,
        model::{FovId, PlaneId, ZPick},
    };

    const TILE_BYTES: usize = 64 * 64 * 2;

    fn key(dataset: DatasetId, z: u32) -> TextureKey {
        let plane = PlaneId {
            fov: FovId(0),
            layer: 0,
            t: 0,
            c: 0,
            z: ZPick::Slice(z),
            extra: 0,
            level: 0,
        };
        TextureKey {
            dataset,
            tile: TileId::whole(plane),
            revision: 0,
        }
    }

    #[test]
    fn what_is_staged_stays_within_its_budget_and_comes_whole_in_the_end() {
        let Some((device, queue)) = device() else {
            return;
        };
        let dataset = DatasetId::unique();
        let side = 1448;
        let bytes = side as usize * side as usize * 4;
        assert!(3 * bytes > MAX_STAGED_BYTES && 2 * bytes <= MAX_STAGED_BYTES);
        let tile = |z| {
            let samples = Samples::U32(vec![z; bytes / 4]);
            let pixels = Pixels::new(side, side, MemoryOrder::RowMajor, samples);
            (key(dataset, z), Arc::new(pixels.expect("fits")))
        };
        let tiles: Vec<_> = (0..5).map(tile).collect();
        let mut textures = Textures {
            max_bytes: bytes,
            ..Textures::new(device)
        };
        let stage = |textures: &mut Textures| {
            let staged = textures.stage(device, queue, tiles.iter().cloned());
            // The frame draws what it drew before.
            textures.begin();
            textures.end();
            staged.into_iter().filter(|is_staged| *is_staged).count()
        };
        for expected in [2, 4, 5, 5] {
            assert_eq!(stage(&mut textures), expected);
        }
        // What nobody asks for any more leaves: also where no frame is drawn.
        for _ in 0..3 {
            textures.stage(device, queue, std::iter::empty());
        }
        assert!(textures.bytes() <= bytes);
        // One that is beyond the budget by itself is not put off.
        let huge = Samples::U8(vec![0; MAX_STAGED_BYTES + 4096]);
        let huge = Pixels::new(4096, 4097, MemoryOrder::RowMajor, huge).expect("fits");
        let huge = std::iter::once((key(dataset, 9), Arc::new(huge)));
        assert_eq!(textures.stage(device, queue, huge), [true]);
    }

    #[test]
    fn at_the_bound_textures_change_their_tile_in_place() {
        let Some((device, queue)) = device() else {
            return;
        };
        let dataset = DatasetId::unique();
        let samples = Samples::U16(vec![0; TILE_BYTES / 2]);
        let pixels = Arc::new(Pixels::new(64, 64, MemoryOrder::RowMajor, samples).expect("fits"));
        let mut textures = Textures {
            max_bytes: 2 * TILE_BYTES,
            ..Textures::new(device)
        };
        let mut views = Vec::new();
        for z in 0..5 {
            textures.begin();
            views.push(textures.view(device, queue, key(dataset, z), &pixels));
            textures.end();
            assert!(textures.bytes() <= 2 * TILE_BYTES);
        }
        assert_eq!((textures.held.len(), textures.spare.len()), (2, 0));
        // The third took the place of the first, and so on.
        assert!(views[2] == views[0] && views[3] == views[1] && views[4] == views[2]);
        assert!(views[0] != views[1]);
        // What the frame draws itself is never taken.
        textures.begin();
        let (a, b, c) = (
            textures.view(device, queue, key(dataset, 5), &pixels),
            textures.view(device, queue, key(dataset, 6), &pixels),
            textures.view(device, queue, key(dataset, 7), &pixels),
        );
        assert!(a != b && b != c && a != c);
    }
}

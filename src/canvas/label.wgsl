// Label images over the picture. `label_composite.rs` computes the same on the CPU, formula by formula; a test compares
// both. SAMPLE is replaced by u32 or i32; the constants OUTLINE, OUTLINE_PX, GIVEN, ROW and SRGB say what the shader is
// compiled for.

struct Label {
    // Where the tile is drawn, in physical pixels of the canvas: left, top, right, bottom.
    clipped: vec4<f32>,
    // Top left corner of the tile, in physical pixels of the canvas; may lie outside.
    origin: vec2<f32>,
    // Top left corner of the canvas in the frame.
    canvas_origin: vec2<f32>,
    canvas_size: vec2<f32>,
    // Texels per physical pixel.
    scale: vec2<f32>,
    size: vec2<u32>,
    // Bit 0: column-major.
    flags: u32,
    num_colors: u32,
    opacity: f32,
    padding0: u32,
    padding1: u32,
    padding2: u32,
}

@group(0) @binding(0) var<uniform> item: Label;
@group(0) @binding(1) var labels: texture_2d<SAMPLE>;
// Key and colour of the labels that the files give one, keys ascending, ROW of them in a row.
@group(0) @binding(2) var colors: texture_2d<u32>;

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let x = select(item.clipped.x, item.clipped.z, (index & 1u) == 1u);
    let y = select(item.clipped.y, item.clipped.w, (index & 2u) == 2u);
    return vec4<f32>(x / item.canvas_size.x * 2.0 - 1.0, 1.0 - y / item.canvas_size.y * 2.0, 0.0, 1.0);
}

fn key_at(position: vec2<f32>) -> u32 {
    let at = floor((position - item.origin) * item.scale);
    let inside = vec2<u32>(clamp(at, vec2<f32>(0.0), vec2<f32>(item.size) - 1.0));
    let texel = select(inside, inside.yx, vec2<bool>((item.flags & 1u) == 1u));
    // Of i32 the bits stay.
    return u32(textureLoad(labels, texel, 0).r);
}

fn hashed(key: u32) -> vec3<f32> {
    let hash = key * 2654435769u;
    let hue = f32(hash >> 16u) * (6.0 / 65536.0);
    let saturation = 0.55 + f32((hash >> 8u) & 0xffu) * (0.45 / 255.0);
    let turned = vec3<f32>(5.0, 3.0, 1.0) + hue;
    let at = turned - 6.0 * floor(turned / 6.0);
    let part = clamp(min(at, 4.0 - at), vec3<f32>(0.0), vec3<f32>(1.0));
    return 1.0 - saturation * part;
}

fn colored(key: u32) -> vec4<f32> {
    if GIVEN {
        var low = 0u;
        var high = item.num_colors;
        while low < high {
            let middle = (low + high) / 2u;
            let entry = textureLoad(colors, vec2<u32>(middle % ROW, middle / ROW), 0).rg;
            if entry.r == key {
                return unpack4x8unorm(entry.g);
            }
            if entry.r < key {
                low = middle + 1u;
            } else {
                high = middle;
            }
        }
    }
    return vec4<f32>(hashed(key), 1.0);
}

@fragment
fn label(@builtin(position) frame: vec4<f32>) -> @location(0) vec4<f32> {
    let position = frame.xy - item.canvas_origin;
    let key = key_at(position);
    if key == 0u {
        return vec4<f32>(0.0);
    }
    if OUTLINE {
        let is_inside = key_at(position + vec2<f32>(OUTLINE_PX, 0.0)) == key
            && key_at(position - vec2<f32>(OUTLINE_PX, 0.0)) == key
            && key_at(position + vec2<f32>(0.0, OUTLINE_PX)) == key
            && key_at(position - vec2<f32>(0.0, OUTLINE_PX)) == key;
        if is_inside {
            return vec4<f32>(0.0);
        }
    }
    var color = colored(key);
    if SRGB {
        let dark = color.rgb / 12.92;
        let bright = pow((color.rgb + 0.055) / 1.055, vec3<f32>(2.4));
        color = vec4<f32>(select(bright, dark, color.rgb <= vec3<f32>(0.04045)), color.a);
    }
    return vec4<f32>(color.rgb, color.a * item.opacity);
}

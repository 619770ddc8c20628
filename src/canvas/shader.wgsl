// Blends up to eight channels of one item. `composite.rs` computes the same on the CPU, formula by formula; a test
// compares both for every sample type. SAMPLE is replaced by u32, i32 or f32, and DIFFERENCE by the function below
// that suits it; the constants MAY_BE_NAN, PLAIN, MARKED, HATCHED and SRGB say what
// the shader is compiled for (`Blend`): a CPU driver runs both sides of every branch.

struct Channel {
    scale: vec2<f32>,
    size: vec2<u32>,
    color: vec4<f32>,
    low_whole: u32,
    low_rest: f32,
    inverse_range: f32,
    gamma: f32,
    // Bit 0: column-major; bit 1: colormap; bit 2: inverted.
    flags: u32,
    lut_row: u32,
    offset: f32,
    padding: u32,
}

struct Item {
    // Where the item is drawn, in physical pixels of the canvas: left, top, right, bottom.
    clipped: vec4<f32>,
    // Top left corner of the item, in physical pixels of the canvas; may lie outside.
    origin: vec2<f32>,
    // Top left corner of the canvas in the frame.
    canvas_origin: vec2<f32>,
    canvas_size: vec2<f32>,
    // 0: none, 1: planned, 2: missing or failed.
    hatch: u32,
    // Groups of eight channels that the item was accumulated from; 0: no channel at all.
    num_groups: u32,
    padding0: vec2<u32>,
    padding1: vec2<u32>,
    channels: array<Channel, 8>,
}

@group(0) @binding(0) var<uniform> item: Item;
@group(0) @binding(1) var luts: texture_2d<f32>;
@group(0) @binding(2) var tile0: texture_2d<SAMPLE>;
@group(0) @binding(3) var tile1: texture_2d<SAMPLE>;
@group(0) @binding(4) var tile2: texture_2d<SAMPLE>;
@group(0) @binding(5) var tile3: texture_2d<SAMPLE>;
@group(0) @binding(6) var tile4: texture_2d<SAMPLE>;
@group(0) @binding(7) var tile5: texture_2d<SAMPLE>;
@group(0) @binding(8) var tile6: texture_2d<SAMPLE>;
@group(0) @binding(9) var tile7: texture_2d<SAMPLE>;

@vertex
fn vertex(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let x = select(item.clipped.x, item.clipped.z, (index & 1u) == 1u);
    let y = select(item.clipped.y, item.clipped.w, (index & 2u) == 2u);
    return vec4<f32>(x / item.canvas_size.x * 2.0 - 1.0, 1.0 - y / item.canvas_size.y * 2.0, 0.0, 1.0);
}

// Samples that f32 holds exactly: of up to 16 bits, and floating point.
fn exact_difference(sample: SAMPLE, channel: Channel) -> f32 {
    return f32(sample) - channel.low_rest;
}

fn uint_difference(sample: u32, channel: Channel) -> f32 {
    let whole = select(f32(sample - channel.low_whole), -f32(channel.low_whole - sample), sample < channel.low_whole);
    return whole - channel.low_rest;
}

fn sint_difference(sample: i32, channel: Channel) -> f32 {
    let bits = bitcast<u32>(sample);
    let is_below = sample < bitcast<i32>(channel.low_whole);
    let whole = select(f32(bits - channel.low_whole), -f32(channel.low_whole - bits), is_below);
    return whole - channel.low_rest;
}

// By its bits: compilers may assume that no number is NaN.
fn is_nan(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

fn normalised(sample: SAMPLE, channel: Channel) -> f32 {
    let difference = DIFFERENCE(sample, channel);
    if MAY_BE_NAN && is_nan(difference) {
        return 0.0;
    }
    return difference * channel.inverse_range + channel.offset;
}

fn colored(value: f32, channel: Channel) -> vec3<f32> {
    var clamped = clamp(value, 0.0, 1.0);
    if PLAIN {
        return channel.color.rgb * clamped;
    }
    if channel.gamma != 1.0 {
        clamped = select(pow(clamped, channel.gamma), 0.0, clamped == 0.0);
    }
    if (channel.flags & 4u) != 0u {
        clamped = 1.0 - clamped;
    }
    if (channel.flags & 2u) == 0u {
        return channel.color.rgb * clamped;
    }
    let at = clamped * 255.0;
    let low = min(u32(at), 254u);
    let below = textureLoad(luts, vec2<u32>(low, channel.lut_row), 0).rgb;
    let above = textureLoad(luts, vec2<u32>(low + 1u, channel.lut_row), 0).rgb;
    return below + (above - below) * (at - f32(low));
}

fn texel(position: vec2<f32>, channel: Channel) -> vec2<u32> {
    let at = floor((position - item.origin) * channel.scale);
    let inside = vec2<u32>(clamp(at, vec2<f32>(0.0), vec2<f32>(channel.size) - 1.0));
    return select(inside, inside.yx, vec2<bool>((channel.flags & 1u) == 1u));
}

struct Blend {
    color: vec3<f32>,
    any_high: bool,
    all_low: bool,
}

fn added(blend: Blend, sample: SAMPLE, channel: Channel) -> Blend {
    let value = normalised(sample, channel);
    if !MARKED {
        return Blend(blend.color + colored(value, channel), false, false);
    }
    return Blend(
        blend.color + colored(value, channel),
        blend.any_high || value >= 1.0,
        blend.all_low && value <= 0.0,
    );
}

// CHANNELS is replaced by a line for each channel: a loop over the textures costs a CPU driver all of them for every
// channel.
fn blended(position: vec2<f32>) -> Blend {
    var blend = Blend(vec3<f32>(0.0), false, true);
    CHANNELS
    return blend;
}

// Nothing is here.
@fragment
fn background() -> @location(0) vec4<f32> {
    return finished(BACKGROUND, false, false, vec2<f32>(0.0));
}

// Marks, hatching, and the one clamp at the end.
fn finished(color: vec3<f32>, any_high: bool, all_low: bool, position: vec2<f32>) -> vec4<f32> {
    var out = color;
    let is_alone = item.num_groups == 0u;
    if MARKED && !is_alone {
        if any_high {
            out = CLIP_HIGH;
        } else if all_low {
            out = CLIP_LOW;
        }
    }
    if HATCHED {
        let at = u32(position.x) + u32(position.y);
        let stripe = select(HATCH_PLANNED_STRIPE, HATCH_FAILED_STRIPE, item.hatch == 2u);
        let ground = select(HATCH_PLANNED_GROUND, HATCH_FAILED_GROUND, item.hatch == 2u);
        if is_alone {
            out = select(ground, stripe, at % HATCH_PERIOD < HATCH_PERIOD / 2u);
        } else if at % HATCH_SPARSE < HATCH_LINE {
            out = stripe;
        }
    }
    out = clamp(out, vec3<f32>(0.0), vec3<f32>(1.0));
    if SRGB {
        let dark = out / 12.92;
        let bright = pow((out + 0.055) / 1.055, vec3<f32>(2.4));
        out = select(bright, dark, out <= vec3<f32>(0.04045));
    }
    return vec4<f32>(out, 1.0);
}

// All channels of the item at once, straight into the frame.
@fragment
fn direct(@builtin(position) frame: vec4<f32>) -> @location(0) vec4<f32> {
    let position = frame.xy - item.canvas_origin;
    let blend = blended(position);
    return finished(blend.color, blend.any_high, blend.all_low, position);
}

// Eight channels of many, into a floating point target of the canvas' size. Alpha counts: 1 for a group with a sample
// at its upper limit, 1/64 for a group all of whose samples are at their lower one.
@fragment
fn accumulate(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let blend = blended(position.xy);
    return vec4<f32>(blend.color, select(0.0, 1.0, blend.any_high) + select(0.0, 1.0 / 64.0, blend.all_low));
}

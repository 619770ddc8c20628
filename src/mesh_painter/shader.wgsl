// The triangles of the interface. Colours are premultiplied and in gamma space, as egui blends them.

struct Screen {
    size_pt: vec2<f32>,
    padding: vec2<f32>,
}

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) at: vec2<f32>,
    @location(1) color: vec4<f32>,
}

@group(0) @binding(0) var<uniform> screen: Screen;
@group(1) @binding(0) var image: texture_2d<f32>;
@group(1) @binding(1) var smooth_sampler: sampler;

@vertex
fn vertex(
    @location(0) position_pt: vec2<f32>,
    @location(1) at: vec2<f32>,
    @location(2) color: vec4<f32>,
) -> Corner {
    let x = 2.0 * position_pt.x / screen.size_pt.x - 1.0;
    let y = 1.0 - 2.0 * position_pt.y / screen.size_pt.y;
    return Corner(vec4<f32>(x, y, 0.0, 1.0), at, color);
}

// Into a frame that stores gamma-encoded colours.
@fragment
fn to_gamma(corner: Corner) -> @location(0) vec4<f32> {
    return corner.color * textureSample(image, smooth_sampler, corner.at);
}

// Into a frame that stores linear light.
@fragment
fn to_linear(corner: Corner) -> @location(0) vec4<f32> {
    let color = corner.color * textureSample(image, smooth_sampler, corner.at);
    let dark = color.rgb / 12.92;
    let bright = pow((color.rgb + 0.055) / 1.055, vec3<f32>(2.4));
    return vec4<f32>(select(bright, dark, color.rgb <= vec3<f32>(0.04045)), color.a);
}

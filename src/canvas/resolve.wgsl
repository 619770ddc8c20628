// From the floating point target to the frame: appended to `shader.wgsl`.

@group(1) @binding(0) var accumulated: texture_2d<f32>;

@fragment
fn resolve(@builtin(position) frame: vec4<f32>) -> @location(0) vec4<f32> {
    let position = frame.xy - item.canvas_origin;
    let sum = textureLoad(accumulated, vec2<u32>(position), 0);
    let any_high = sum.a >= 1.0;
    let all_low = fract(sum.a) * 64.0 >= f32(item.num_groups) - 0.5;
    return finished(sum.rgb, any_high, all_low, position);
}

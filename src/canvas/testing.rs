//! A device for tests that draw.

use eframe::wgpu;

/// A device, made once for all tests; `None`, with words, where no adapter can draw and the environment allows that.
pub(crate) fn device() -> Option<&'static (wgpu::Device, wgpu::Queue)> {
    static DEVICE: std::sync::OnceLock<Option<(wgpu::Device, wgpu::Queue)>> =
        std::sync::OnceLock::new();
    let made = DEVICE.get_or_init(|| {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapter =
            pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
                .ok()?;
        pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).ok()
    });
    let required = std::env::var_os("SQUIDVIEW_REQUIRE_ADAPTER").is_some();
    assert!(
        made.is_some() || !required,
        "no adapter can draw, and SQUIDVIEW_REQUIRE_ADAPTER is set"
    );
    if made.is_none() {
        eprintln!("skipped: no adapter can draw");
    }
    made.as_ref()
}

//! What Squid writes around the images: parameters, channels, planned and executed positions, `.done` marks.
//!
//! Squid `control/core/multi_point_controller.py`, `multi_point_worker.py`, `control/models/acquisition_config.py`. The
//! planned table has z in mm (none for wells), the executed one in µm; Nx and Ny say nothing where wells are scanned.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    SimulateError,
    clock::Moment,
    layout::{Layout, OVERLAP_PERCENT, rounded},
    plan::Plan,
    stain::Stain,
    yaml,
};

/// z of the stage at the first slice in µm.
const FOCUS_UM: f64 = 3000.0;
const MAGNIFICATION: f64 = 20.0;
const NUMERICAL_APERTURE: f64 = 0.8;
const OBJECTIVE_TUBE_LENS_MM: f64 = 180.0;
const TUBE_LENS_MM: f64 = 50.0;

/// One row of the executed positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Executed {
    pub(super) region_idx: usize,
    pub(super) fov: u32,
    pub(super) z: u32,
    pub(super) when: Moment,
}

/// Writes the side files of one acquisition.
#[derive(Debug)]
pub(super) struct SideFiles<'a> {
    pub(super) plan: &'a Plan,
    pub(super) layout: &'a Layout,
    pub(super) folder: PathBuf,
}

impl SideFiles<'_> {
    /// All that is there before the first image.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn start(&self, when: Moment) -> Result<(), SimulateError> {
        let name = self
            .folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let set_only = |channel: Value| match channel {
            Value::Object(keys) => keys
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            _ => Map::new(),
        };
        let channels: Vec<Value> = self
            .channels()
            .into_iter()
            .map(|channel| set_only(channel).into())
            .collect();
        let document =
            json!({"version": 1, "objective": "20x", "confocal_mode": false, "channels": channels});
        self.write("acquisition_channels.yaml", &yaml::block(&document))?;
        self.write(
            "acquisition parameters.json",
            &self.parameters().to_string(),
        )?;
        self.write("coordinates.csv", &self.planned())?;
        let text = format!(
            "# Acquisition Parameters - {name}\n\n{}",
            yaml::block(&self.acquisition(&name, when))
        );
        self.write("acquisition.yaml", &text)
    }

    /// The folder of a timepoint, there whatever the layout.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(super) fn begin_timepoint(&self, t: u32) -> Result<(), SimulateError> {
        let folder = self.folder.join(t.to_string());
        fs::create_dir_all(&folder)
            .map_err(|source| SimulateError::io("create the folder", &folder, source))
    }

    /// Executed positions, one row per region, FOV and z-slice.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn executed(&self, t: u32, rows: &[Executed]) -> Result<(), SimulateError> {
        let row = |row: &Executed| {
            let (x, y) = self.layout.position_mm(row.region_idx, row.fov);
            let region = csv_field(&self.layout.region_name(row.region_idx));
            let z = slice_um(self.plan, row.z);
            let (fov, z_level, when) = (row.fov, row.z, row.when);
            format!("{region},{fov},{z_level},{x:?},{y:?},{z:?},{when}\n")
        };
        let text = "region,fov,z_level,x (mm),y (mm),z (um),time\n".to_owned()
            + &rows.iter().map(row).collect::<Vec<_>>().concat();
        self.write(Path::new(&t.to_string()).join("coordinates.csv"), &text)
    }

    /// The mark of a finished timepoint.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn timepoint_done(&self, t: u32) -> Result<(), SimulateError> {
        self.write(Path::new(&t.to_string()).join(".done"), "")
    }

    /// The mark of an acquisition that ended, finished or aborted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn done(&self) -> Result<(), SimulateError> {
        self.write(".done", "")
    }

    fn write(&self, name: impl AsRef<Path>, text: &str) -> Result<(), SimulateError> {
        let path = self.folder.join(name);
        let written = |path: &Path| -> io::Result<()> {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            fs::write(path, text)
        };
        written(&path).map_err(|source| SimulateError::io("write", &path, source))
    }

    /// Pixel of the camera that gives the pixel size behind this objective.
    fn sensor_pixel_um(&self) -> f64 {
        self.plan.pixel_size_um * MAGNIFICATION * TUBE_LENS_MM / OBJECTIVE_TUBE_LENS_MM
    }

    fn planned(&self) -> String {
        let z_mm = if self.layout.plate.is_some() {
            String::new()
        } else {
            format!("{:?}", FOCUS_UM / 1000.0)
        };
        let mut rows = vec!["region,x (mm),y (mm),z (mm)\n".to_owned()];
        for (region_idx, &(_, num_fovs)) in self.plan.regions.iter().enumerate() {
            let region = csv_field(&self.layout.region_name(region_idx));
            rows.extend((0..num_fovs).map(|fov| {
                let (x, y) = self.layout.position_mm(region_idx, fov);
                format!("{region},{x:?},{y:?},{z_mm}\n")
            }));
        }
        rows.concat()
    }

    fn parameters(&self) -> Value {
        let (columns, rows) = match self.layout.plate {
            Some(_) => (1, 1),
            None => self.layout.largest_raster(),
        };
        json!({
            "dx(mm)": self.layout.step_mm.0, "Nx": columns, "dy(mm)": self.layout.step_mm.1, "Ny": rows,
            "dz(um)": self.plan.z_step_um, "Nz": self.plan.num_z,
            "dt(s)": self.plan.time_step_secs, "Nt": self.plan.num_timepoints,
            "with AF": false, "with reflection AF": false, "with manual focus map": false,
            "objective": {
                "magnification": MAGNIFICATION, "NA": NUMERICAL_APERTURE,
                "tube_lens_f_mm": OBJECTIVE_TUBE_LENS_MM, "name": "20x",
            },
            "sensor_pixel_size_um": self.sensor_pixel_um(),
            "tube_lens_mm": TUBE_LENS_MM,
            "confocal_mode": false,
        })
    }

    fn channels(&self) -> Vec<Value> {
        let entry = |(index, name): (usize, &String)| {
            let exposure_ms = 20.0 + 15.0 * (index % 5) as f64;
            json!({
                "name": name, "enabled": true, "display_color": format!("#{}", Stain::of(name).hex()), "camera": null,
                "camera_settings": {"exposure_time_ms": exposure_ms, "gain_mode": 0.0, "pixel_format": "Mono12"},
                "filter_wheel": "auto", "filter_position": index % 8 + 1, "z_offset_um": 0.0,
                "illumination_settings":
                    {"illumination_channel": name, "intensity": 10.0 + 5.0 * (index % 10) as f64},
                "confocal_hardware_settings": null, "confocal_override": null,
            })
        };
        self.plan.channels.iter().enumerate().map(entry).collect()
    }

    fn acquisition(&self, name: &str, when: Moment) -> Value {
        let plate = self
            .layout
            .plate
            .map(|plate| (plate.num_rows, plate.num_columns));
        let (widget, mode) = if plate.is_some() {
            ("wellplate", "Select Wells")
        } else {
            ("flexible", "Current Position")
        };
        let format = plate.map_or("glass slide".into(), |(rows, columns)| {
            format!("{} well plate", rows * columns)
        });
        let (num_rows, num_columns) = plate.unwrap_or((8, 12));
        let z_mm = |z| rounded(slice_um(self.plan, z) / 1000.0);
        let mut document = json!({
            "acquisition": {
                "experiment_id": name, "start_time": when.unix_secs(), "widget_type": widget, "xy_mode": mode,
                "skip_saving": false,
            },
            "objective": {
                "name": "20x", "magnification": MAGNIFICATION, "NA": NUMERICAL_APERTURE,
                "pixel_size_um": self.plan.pixel_size_um, "camera_binning": [1, 1],
                "sensor_pixel_size_um": self.sensor_pixel_um(),
            },
            "sample": {"wellplate_format": format},
            "z_stack": {
                "nz": self.plan.num_z, "delta_z_mm": self.plan.z_step_um / 1000.0, "config": "FROM BOTTOM",
                "z_range_mm": [z_mm(0), z_mm(self.plan.num_z - 1)], "use_piezo": false,
            },
            "time_series": {"nt": self.plan.num_timepoints, "delta_t_s": self.plan.time_step_secs},
            "autofocus": {"contrast_af": false, "laser_af": false},
            "channels": self.channels(),
        });
        let (scan_name, scan) = self.scan();
        document[scan_name] = scan;
        document["mosaic_view"] =
            json!({"save_overview": false, "save_well_images": false, "resolution_um": 10.0});
        document["plate"] = json!({"num_rows": num_rows, "num_cols": num_columns});
        document["fluidics"] = json!({"enabled": false});
        document
    }

    /// The block that lists the regions with their centres.
    fn scan(&self) -> (&'static str, Value) {
        let (columns, rows) = self.layout.largest_raster();
        let (dx_mm, dy_mm) = self.layout.step_mm;
        let regions: Vec<Value> = (0..self.plan.regions.len())
            .map(|region_idx| self.region(region_idx))
            .collect();
        if self.layout.plate.is_some() {
            let size_mm = rounded(f64::from(columns) * dx_mm);
            let scan = json!({"scan_size_mm": size_mm, "overlap_percent": OVERLAP_PERCENT, "regions": regions});
            return ("wellplate_scan", scan);
        }
        let scan = json!({
            "nx": columns, "ny": rows, "delta_x_mm": dx_mm, "delta_y_mm": dy_mm,
            "overlap_percent": OVERLAP_PERCENT, "positions": regions,
        });
        ("flexible_scan", scan)
    }

    fn region(&self, region_idx: usize) -> Value {
        let (x, y) = self.layout.center_mm(region_idx);
        let mut entry = json!({"name": self.layout.region_name(region_idx), "center_mm": [x, y, FOCUS_UM / 1000.0]});
        if self.layout.plate.is_some() {
            let (columns, rows) = self.layout.raster(region_idx);
            let is_full = self.plan.regions[region_idx].1 == columns * rows;
            entry["shape"] = match (is_full, columns == rows) {
                (false, _) => "Manual",
                (true, true) => "Square",
                (true, false) => "Rectangle",
            }
            .into();
        }
        entry
    }
}

/// z of the stage at a slice in µm.
pub(super) fn slice_um(plan: &Plan, z: u32) -> f64 {
    ((FOCUS_UM + f64::from(z) * plan.z_step_um) * 1000.0).round() / 1000.0
}

/// A field of a table, quoted where it holds a separator (RFC 4180).
fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Structure;

    fn read(plan: &Plan, name: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::of(plan);
        let side = SideFiles {
            plan,
            layout: &layout,
            folder: folder.path().to_owned(),
        };
        side.start(Moment::now()).unwrap();
        side.executed(
            0,
            &[Executed {
                region_idx: 0,
                fov: 0,
                z: 1,
                when: Moment::now(),
            }],
        )
        .unwrap();
        fs::read_to_string(folder.path().join(name)).unwrap()
    }

    #[test]
    fn planned_positions_of_wells_have_no_z() {
        let plate = Plan {
            structure: Structure::Hcs,
            regions: vec![("b02".into(), 1)],
            ..Plan::default()
        };
        assert_eq!(
            read(&plate, "coordinates.csv"),
            "region,x (mm),y (mm),z (mm)\nB2,20.31,19.75,\n"
        );
        let free = Plan {
            regions: vec![("a, b".into(), 1)],
            ..Plan::default()
        };
        assert_eq!(
            read(&free, "coordinates.csv"),
            "region,x (mm),y (mm),z (mm)\n\"a, b\",10.0,10.0,3.0\n"
        );
    }

    #[test]
    fn executed_positions_have_z_in_micrometres() {
        let text = read(&Plan::default(), "0/coordinates.csv");
        assert!(text.contains("\nR0,0,1,10.0,10.0,3001.5,20"), "{text}");
    }

    #[test]
    fn our_own_parsers_read_the_plan_back() {
        let plan = Plan {
            num_timepoints: 3,
            ..Plan::default()
        };
        let yaml =
            crate::metadata::acquisition_yaml::parse(&read(&plan, "acquisition.yaml")).unwrap();
        assert_eq!(
            (yaml.num_t, yaml.num_z, yaml.pixel_size_um),
            (Some(3), Some(5), Some(0.325))
        );
        assert_eq!(yaml.regions, ["R0"]);
        let parameters = crate::metadata::acquisition_parameters::parse(&read(
            &plan,
            "acquisition parameters.json",
        ));
        let size_um = parameters.unwrap().pixel_size_um.unwrap();
        assert!((size_um - 0.325).abs() < 1e-9);
        let channels =
            crate::metadata::acquisition_channels::parse(&read(&plan, "acquisition_channels.yaml"))
                .unwrap();
        let names: Vec<_> = channels
            .iter()
            .filter_map(|channel| channel.name.clone())
            .collect();
        assert_eq!(names, plan.channels);
    }
}

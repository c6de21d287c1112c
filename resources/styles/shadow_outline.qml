<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="contour" band="1" opacity="1" alphaBand="-1" nodataColor="" contour-interval="1.5" contour-index-interval="0" downscale="1">
      <rasterTransparency/>
      <symbols>
        <symbol type="line" name="contour" alpha="1" clip_to_extent="1" force_rhr="0">
          <layer class="SimpleLine" enabled="1" locked="0" pass="0">
            <Option type="Map">
              <Option type="QString" name="line_color" value="150,90,210,255"/>
              <Option type="QString" name="line_style" value="solid"/>
              <Option type="QString" name="line_width" value="0.6"/>
              <Option type="QString" name="line_width_unit" value="MM"/>
              <Option type="QString" name="joinstyle" value="round"/>
              <Option type="QString" name="capstyle" value="round"/>
            </Option>
          </layer>
        </symbol>
      </symbols>
    </rasterrenderer>
    <rasterresampler maxOversampling="2"/>
  </pipe>
  <blendMode>0</blendMode>
</qgis>

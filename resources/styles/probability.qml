<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="2" opacity="1" alphaBand="-1" nodataColor="" classificationMin="0" classificationMax="1">
      <rasterTransparency/>
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="0" maximumValue="1" labelPrecision="2">
          <item value="0" color="#f5f9fd" alpha="255" label="0 %"/>
          <item value="0.25" color="#bcd5ea" alpha="255" label="25 %"/>
          <item value="0.5" color="#6fa6d2" alpha="255" label="50 %"/>
          <item value="0.75" color="#2c6aab" alpha="255" label="75 %"/>
          <item value="1" color="#0b2a5c" alpha="255" label="100 %"/>
          <rampLegendSettings useContinuousLegend="0"/>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
    <rasterresampler maxOversampling="2"/>
  </pipe>
  <blendMode>0</blendMode>
</qgis>

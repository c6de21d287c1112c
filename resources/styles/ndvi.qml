<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" nodataColor="" classificationMin="-0.2" classificationMax="1">
      <rasterTransparency/>
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="-0.2" maximumValue="1" labelPrecision="1">
          <item value="-0.2" color="#efe6da" alpha="255" label="-0.2"/>
          <item value="0" color="#dfc7a3" alpha="255" label="0.0"/>
          <item value="0.2" color="#cda468" alpha="255" label="0.2"/>
          <item value="0.4" color="#a9a44a" alpha="255" label="0.4"/>
          <item value="0.6" color="#6d9440" alpha="255" label="0.6"/>
          <item value="0.8" color="#2d7340" alpha="255" label="0.8"/>
          <item value="1" color="#08402f" alpha="255" label="1.0"/>
          <rampLegendSettings useContinuousLegend="0"/>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
    <rasterresampler maxOversampling="2"/>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
